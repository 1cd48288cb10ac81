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

-- Counts; puts what was there before into the reply at that place, and gives why it could not, and whether something was written.
local function count_on(meter, key, period, rate, hits, reply, place)
  local state, fault = meter.read(key, period, rate)
  if not state then return fault, false end
  for number, told in ipairs(meter.told(state)) do reply[place + number - 1] = told end
  local changed = false
  local times, amount, capacity = same_hits(hits)
  if times then
    if amount > 0 then
      local fit = math.min(times, math.floor((capacity - meter.used(state)) / amount))
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
        elseif overdraft == '!' or meter.used(state) + hit <= tonumber(most) then
          meter.take(state, hit)
          changed = true
        end
      end
    end
  end
  if changed then fault = meter.write(key, state) end
  return fault, changed and not fault
end
