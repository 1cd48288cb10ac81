-- Counting the hits on one key that is a meter. What is judged how is decision/meter.rs.
--
-- Hits are "<times>x<hits>/<capacity>", where so many take the same; or for each, in the order of arrival, "<hits>/<capacity>,": negative
-- where they are given back, and with "!" before the comma where they are taken though they do not fit.

-- How often how many hits against which capacity; nothing where they are not all the same.
local function same_hits(hits)
  local times, amount, capacity = string.match(hits, '^(%d+)x(%d+)/(%d+)$')
  return tonumber(times), tonumber(amount), tonumber(capacity)
end

-- A fault that is about one key: its value is not ours, or something was written already, so that the call as a whole must not be said to
-- have done nothing.
local function is_of_the_key(fault, wrote)
  return wrote or string.sub(fault, 1, 9) == 'WRONGTYPE'
end

-- The hits of the run, and what they are where they are all the same.
local of_run, times, amount, capacity = nil, nil, nil, nil

-- Counts; puts what was there before into the reply at that place, and gives why it could not, and whether something was written. The state
-- is a table to use.
local function count_on(meter, state, key, period, rate, hits, reply, place)
  local fault, changed, is_there = nil, false, nil
  is_there, fault = meter.read(key, period, rate, state)
  if not is_there then return fault, false end
  meter.tell(state, reply, place)
  if hits ~= of_run then
    of_run, times, amount, capacity = hits, same_hits(hits)
  end
  if times then
    local fit = 0
    if amount > 0 then
      fit = math.min(times, math.floor((capacity - meter.used(state)) / amount))
      if fit > 0 then
        meter.take(state, fit * amount)
        changed = true
      end
    end
    if meter.wait and fit < times then meter.wait(state, amount, capacity) end
  else
    for sign, number, most, overdraft in string.gmatch(hits, '(%-?)(%d+)/(%d+)(!?),') do
      local hit, over = tonumber(number), false
      if sign ~= '-' then over = meter.used(state) + hit > tonumber(most) end
      if hit > 0 and sign == '-' then
        meter.give_back(state, hit)
        changed = true
      elseif hit > 0 and (overdraft == '!' or not over) then
        meter.take(state, hit)
        changed = true
      end
      if over and meter.wait then meter.wait(state, hit, tonumber(most)) end
    end
  end
  if changed then fault = meter.write(key, state) end
  return fault, changed and not fault
end
