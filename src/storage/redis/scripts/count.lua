-- Counts hits, denied ones like any other.
--
-- ARGV after the time, for each key: its unit in seconds, then what is added. Either one number, the sum of what
-- several hits take (a reading for each follows from the sum, without us), or several numbers with a comma after each,
-- in the order of arrival, where some give back.
-- Answers for each key: the window's start (or a text: why this key could not be counted), then the count after the
-- sum, or the counts after each of the numbers.

local reply, size, wrote = {}, 0, false
local seconds = math.floor(now / 1000)
local call, pcall, find, sub, format = redis.call, redis.pcall, string.find, string.sub, string.format
local load, save, add, is_of_the_key

-- Any key and any hits, with the functions.
local function count_with_tools(key, unit, hits)
  if not load then load, save, add, is_of_the_key = tools() end
  local window, before, settled, stored = load(key, unit)
  local count, counted, fault, first = before, false, nil, size + 1
  if not window then
    fault, count = before, 0
  end
  size = first
  for number in string.gmatch(hits, '-?%d+') do
    if not fault then count = add(count, tonumber(number)) end
    counted = counted or count > 0
    size = size + 1
    reply[size] = count
  end
  -- Looks and refunds create no counter and begin no window, and a look at what is stored leaves it as it is.
  if not fault and (stored ~= window and counted or stored == window and count ~= before) then
    fault = save(key, unit, window, count, settled, stored)
    wrote = wrote or not fault
  end
  reply[first] = fault or window
  if fault and not is_of_the_key(fault, wrote) then return fault end
end

for index = 1, #KEYS do
  local key, unit, hits = KEYS[index], tonumber(ARGV[2 * index]), ARGV[2 * index + 1]
  local sum, current = tonumber(hits), seconds - seconds % unit
  local value, count = pcall('GET', key), nil
  -- The common case stands here in full, because functions cost: something is taken from a counter whose window is the
  -- current one, or that is not there.
  if sum and sum > 0 then
    if not value then
      count = sum
      value = pcall('SET', key, format('%d %d', current, count), 'PX', (current + unit) * 1000 - now + SLACK)
    elseif type(value) == 'string' then
      local gap = find(value, ' ', 1, true)
      if gap and tonumber(sub(value, 1, gap - 1)) == current then count = tonumber(sub(value, gap + 1)) end
      if count and count >= 0 and count < 4503599627370496 and count % 1 == 0 and call('PTTL', key) > 0 then
        count = count + sum
        value = pcall('SET', key, format('%d %d', current, count), 'KEEPTTL')
      else
        count = nil
      end
    end
  end
  if count and not value.err then
    reply[size + 1], reply[size + 2] = current, count
    size, wrote = size + 2, true
  else
    local fault = count_with_tools(key, unit, hits)
    if fault then return { err = fault } end
  end
end

return reply
