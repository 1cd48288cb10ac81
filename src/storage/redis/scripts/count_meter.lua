-- Counts hits on meters of one algorithm, which is METER: a hit that does not fit takes nothing.
--
-- ARGV after the time, for each key: its period in seconds, what drains in a tick, and its hits. These are "<times>x<hits>/<capacity>", where
-- so many take the same; or for each, in the order of arrival, "<hits>/<capacity>,": negative where they are given back, and with "!"
-- before the comma where they are taken though they do not fit.
-- Answers for each key what was there before, which is all that the caller needs to know what came of each hit (or a text: why this key
-- could not be counted). What is judged how is decision/meter.rs.

local meter = METER()
local used, take = meter.used, meter.take
local reply, wrote = {}, false

for index = 1, #KEYS do
  local key, at = KEYS[index], 3 * index - 1
  local state, fault = meter.read(key, tonumber(ARGV[at]), tonumber(ARGV[at + 1]))
  if state then
    reply[index] = meter.told(state)
    local hits, changed = ARGV[at + 2], false
    local times, amount, capacity = string.match(hits, '^(%d+)x(%d+)/(%d+)$')
    if times then
      times, amount, capacity = tonumber(times), tonumber(amount), tonumber(capacity)
      if amount > 0 then
        local fit = math.min(times, math.floor((capacity - used(state)) / amount))
        if fit > 0 then
          take(state, fit * amount)
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
          elseif overdraft == '!' or used(state) + hit <= tonumber(most) then
            take(state, hit)
            changed = true
          end
        end
      end
    end
    if changed then fault = meter.write(key, state) end
    wrote = wrote or (changed and not fault)
  end
  if fault then
    if not wrote and string.sub(fault, 1, 9) ~= 'WRONGTYPE' then return { err = fault } end
    reply[index] = fault
  end
end

return reply
