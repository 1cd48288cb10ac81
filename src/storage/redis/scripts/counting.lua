-- Counting the hits on one key that is a meter. What is judged how is decision/meter.rs.
--
-- Hits are "<times>x<hits>/<room>", where so many take the same; or for each, in the order of arrival, "<hits>/<room>,": negative where
-- they are given back, and with "!" before the comma where they are taken though they do not fit. The room is what `left` is given.

-- How often how many hits against which room; nothing where they are not all the same.
local function same_hits(hits)
  local times, amount, room = string.match(hits, '^(%d+)x(%d+)/(%d+)$')
  return tonumber(times), tonumber(amount), tonumber(room)
end

-- A fault that is about one key: its value is not ours, or something was written already, so that the call as a whole must not be said to
-- have done nothing.
local function is_of_the_key(fault, wrote)
  return wrote or string.sub(fault, 1, 9) == 'WRONGTYPE'
end

-- What all keys of a run have in common: the period in seconds, a tick in milliseconds, what drains in a tick, and the hits.
local function run_of(period, rate, hits)
  local run = { period = tonumber(period), millis = 1, rate = tonumber(rate), hits = hits }
  if not run.period then run.period, run.millis = tonumber(string.match(period, '^(%d+)S$')), 1000 end
  run.times, run.amount, run.room = same_hits(hits)
  return run
end

-- Counts; puts what was there before into the reply at that place, and gives why it could not, and whether something was written. The state
-- is a table to use.
local function count_on(meter, state, key, run, reply, place)
  local fault, changed, is_there = nil, false, nil
  is_there, fault = meter.read(key, run.period, run.millis, run.rate, state)
  if not is_there then return fault, false end
  meter.tell(state, reply, place)
  if run.times then
    local fit = 0
    if run.amount > 0 then
      fit = math.min(run.times, math.floor(meter.left(state, run.room) / run.amount))
      if fit > 0 then
        meter.take(state, fit * run.amount)
        changed = true
      end
    end
    if meter.wait and fit < run.times then meter.wait(state, run.amount, run.room) end
  else
    for sign, number, most, overdraft in string.gmatch(run.hits, '(%-?)(%d+)/(%d+)(!?),') do
      local hit, room, over = tonumber(number), tonumber(most), false
      if sign ~= '-' then over = hit > meter.left(state, room) end
      if hit > 0 and sign == '-' then
        meter.give_back(state, hit)
        changed = true
      elseif hit > 0 and (overdraft == '!' or not over) then
        meter.take(state, hit)
        changed = true
      end
      if meter.wait then meter.wait(state, over and hit or 1, room) end
    end
  end
  if changed then fault = meter.write(key, state) end
  return fault, changed and not fault
end
