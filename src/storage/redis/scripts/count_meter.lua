-- Counts hits on meters of one algorithm, which is METER: a hit that does not fit takes nothing.
--
-- ARGV after the time, for each run of keys with equal arguments: their period in seconds, with an S behind it where that is what time is counted
-- in (an argument more for a few would cost all); what drains in a tick; their hits (`count_on` in counting.lua says how); and the number of the
-- run's last key, which the last run may leave out.
-- Answers for each key what was there before, TOLD numbers, which is all that the caller needs to know what came of each hit; or a text, why
-- this key could not be counted, and zeros.

local meter, state, reply, wrote, first = METER(), {}, {}, false, 1

for run = 2, #ARGV, 4 do
  local period, tick, rate, hits = tonumber(ARGV[run]), 1, tonumber(ARGV[run + 1]), ARGV[run + 2]
  if not period then period, tick = tonumber(string.match(ARGV[run], '^(%d+)S$')), 1000 end
  local last = tonumber(ARGV[run + 3]) or #KEYS
  for index = first, last do
    local place = TOLD * (index - 1) + 1
    local fault, written = count_on(meter, state, KEYS[index], period, tick, rate, hits, reply, place)
    wrote = wrote or written
    if fault then
      if not is_of_the_key(fault, wrote) then return { err = fault } end
      for number = 0, TOLD - 1 do reply[place + number] = number == 0 and fault or 0 end
    end
  end
  first = last + 1
end

return reply
