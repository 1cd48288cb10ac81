-- Counts hits, denied ones like any other.
--
-- ARGV after the time, for each key: its unit in seconds, then what is added. Either one number, the sum of what
-- several hits take (a reading for each follows from the sum, without us), or several numbers with a comma after each,
-- in the order of arrival, where some give back.
-- Answers for each key: the window's start (or a text: why this key could not be counted), then the count after the
-- sum, or the counts after each of the numbers.

local reply, size, wrote = {}, 0, false

for index = 1, #KEYS do
  local key, unit, hits = KEYS[index], tonumber(ARGV[2 * index]), ARGV[2 * index + 1]
  local sum = tonumber(hits)
  local window, before, settled, stored = load(key, unit)
  local count, counted, fault, first = before, false, nil, size + 1
  if not window then
    fault, count = before, 0
  end
  size = first
  if sum then
    if not fault then count = add(count, sum) end
    counted = count > 0
    size = size + 1
    reply[size] = count
  else
    for number in string.gmatch(hits, '(-?%d+),') do
      if not fault then count = add(count, tonumber(number)) end
      counted = counted or count > 0
      size = size + 1
      reply[size] = count
    end
  end
  -- Looks and refunds create no counter, and a look at what is stored leaves it as it is.
  if not fault and (not stored and counted or stored and (stored ~= window or count ~= before)) then
    fault = save(key, unit, window, count, settled, stored)
    wrote = wrote or not fault
  end
  if fault and not is_of_the_key(fault, wrote) then return { err = fault } end
  reply[first] = fault or window
end

return reply
