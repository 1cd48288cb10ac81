-- Takes back what was counted for a request that was denied elsewhere, in the window in which it was counted and in no
-- other.
--
-- ARGV after the time, for each key: its unit in seconds, the window's start, and how much.
-- Answers for each key: the window's start (or a text: why nothing could be given back), and the count.

local load, save, add, is_of_the_key = tools()
local reply, wrote = {}, false

for index = 1, #KEYS do
  local key, first = KEYS[index], 3 * index - 1
  local unit, window_of_hit, amount = tonumber(ARGV[first]), tonumber(ARGV[first + 1]), tonumber(ARGV[first + 2])
  local window, count, settled, stored = load(key, unit)
  local fault
  if not window then
    fault, count = count, 0
  elseif stored == window_of_hit and window == stored and count > 0 then
    count = add(count, -amount)
    fault = save(key, unit, window, count, settled, stored)
    wrote = wrote or not fault
  end
  if fault and not is_of_the_key(fault, wrote) then return { err = fault } end
  reply[2 * index - 1], reply[2 * index] = fault or window, count
end

return reply
