-- Takes back what was counted for a request that was denied elsewhere, in the window in which it was counted and in no
-- other.
--
-- ARGV after the time, for each key: its unit in seconds (of a meter "<letter><period>/<what drains in a tick>"), the window's start (which
-- a meter has not), and how much.
-- Answers for each key: the window's start, or what there is in a meter now (or a text: why nothing could be given back), and the count.

local load, save, add, is_of_the_key = tools()
local reply, wrote = {}, false

-- Gives back to one window's counter: its start and its count, why it could not, and whether it was written.
local function give_to_window(key, unit, first)
  local window_of_hit, amount = tonumber(ARGV[first + 1]), tonumber(ARGV[first + 2])
  local window, count, settled, stored = load(key, unit)
  if not window then return nil, 0, count, false end
  if stored ~= window_of_hit or window ~= stored or count == 0 then return window, count, nil, false end
  count = add(count, -amount)
  local fault = save(key, unit, window, count, settled, stored)
  return window, count, fault, not fault
end

-- The same for a meter: what it tells, and 0.
local function give_to_meter(key, first)
  local meter, period, tick, rate = meter_of(ARGV[first])
  local state, fault = meter.read(key, period, tick, rate)
  if not state then return nil, 0, fault, false end
  meter.give_back(state, tonumber(ARGV[first + 2]))
  fault = meter.write(key, state)
  return told(meter, state), 0, fault, state.stored and not fault
end

for index = 1, #KEYS do
  local key, first = KEYS[index], 3 * index - 1
  local unit, answer, count, fault, written = tonumber(ARGV[first]), nil, nil, nil, nil
  if unit then
    answer, count, fault, written = give_to_window(key, unit, first)
  else
    answer, count, fault, written = give_to_meter(key, first)
  end
  wrote = wrote or written
  if fault and not is_of_the_key(fault, wrote) then return { err = fault } end
  reply[2 * index - 1], reply[2 * index] = fault or answer, count
end

return reply
