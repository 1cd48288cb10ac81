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

-- The hits of the run, and what they are where they are all the same.
local of_run, times, amount, room = nil, nil, nil, nil

-- Counts; puts what was there before into the reply at that place, and gives why it could not, and whether something was written. The state
-- is a table to use.
local function count_on(meter, state, key, period, tick, rate, hits, reply, place)
  local fault, changed, is_there = nil, false, nil
  is_there, fault = meter.read(key, period, tick, rate, state)
  if not is_there then return fault, false end
  meter.tell(state, reply, place)
  if hits ~= of_run then
    of_run, times, amount, room = hits, same_hits(hits)
  end
  if times then
    if amount > 0 then
      local fit = math.min(times, math.floor(meter.left(state, room) / amount))
      if fit > 0 then
        meter.take(state, fit * amount)
        changed = true
      end
    end
  else
    for sign, number, most, overdraft in string.gmatch(hits, '(%-?)(%d+)/(%d+)(!?),') do
      local hit = tonumber(number)
      if hit > 0 then
        if sign == '-' then
          meter.give_back(state, hit)
          changed = true
        elseif overdraft == '!' or hit <= meter.left(state, tonumber(most)) then
          meter.take(state, hit)
          changed = true
        end
      end
    end
  end
  if changed then fault = meter.write(key, state) end
  return fault, changed and not fault
end
