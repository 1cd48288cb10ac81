-- Counts hits on meters of one algorithm, which is METER: a hit that does not fit takes nothing.
--
-- ARGV after the time, for each run of keys with equal arguments: their period in seconds, with an S behind it where that is what time is counted
-- in (an argument more for a few would cost all); what drains in a tick; their hits (`count_on` in counting.lua says how); and the number of the
-- run's last key, which the last run may leave out.
-- Where a meter has a quick way, which counts a key on which all hits take the same and fit, that is tried first: functions and tables cost.
-- Answers for each key what was there before, TOLD numbers, which is all that the caller needs to know what came of each hit; or a text, why
-- this key could not be counted, and zeros.

local meter, state, keys, reply, wrote, first = METER(), {}, KEYS, {}, false, 1

for place = 2, #ARGV, 4 do
  local run, last = run_of(ARGV[place], ARGV[place + 1], ARGV[place + 2]), tonumber(ARGV[place + 3]) or #keys
  local quick = meter.quick and run.times and run.amount > 0 and meter.quick(run)
  for index = first, last do
    local key, told = keys[index], TOLD * (index - 1) + 1
    if quick and quick(key, reply, told) then
      wrote = true
    else
      local fault, written = count_on(meter, state, key, run, reply, told)
      wrote = wrote or written
      if fault then
        if not is_of_the_key(fault, wrote) then return { err = fault } end
        for number = 0, TOLD - 1 do reply[told + number] = number == 0 and fault or 0 end
      end
    end
  end
  first = last + 1
end

return reply
