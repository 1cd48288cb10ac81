-- Counts hits, denied ones like any other.
--
-- ARGV after the time, for each key: its unit in seconds, then what is added. Either one number, the sum of what
-- several hits take (a reading for each follows from the sum, without us), or several numbers with a comma after each,
-- in the order of arrival, where some give back.
-- Answers for each key: the window's start (or a text: why this key could not be counted), then the count after the
-- sum, or the counts after each of the numbers.

local reply, size, wrote = {}, 0, false
local seconds = math.floor(now / 1000)
local pcall, format = redis.pcall, string.format
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
  local count
  -- The common case stands here in full, because functions cost: something is taken from a counter whose window is the
  -- current one, or that is not there.
  if sum and sum > 0 and sum < MOST then
    local number, mark = pcall('INCRBY', key, hits), current / unit % CYCLE + 1
    if number == sum then
      local reply = pcall('SET', key, format('%d', mark * SHIFT + sum), 'PX', (current + unit) * 1000 - now + SLACK)
      count = sum
      if reply.err then
        pcall('DEL', key)
        count = nil
      end
    elseif type(number) == 'number' then
      count = number - mark * SHIFT
      local is_of_this_window = count >= sum and count <= MOST
      -- Somebody may have taken the expiry away. To look costs half as much as to count, so it is done once in a hundred hits.
      if not is_of_this_window or (count % 100 < sum and pcall('PTTL', key) == -1) then
        pcall('DECRBY', key, hits)
        count = nil
      end
    end
  end
  if count then
    reply[size + 1], reply[size + 2] = current, count
    size, wrote = size + 2, true
  else
    local fault = count_with_tools(key, unit, hits)
    if fault then return { err = fault } end
  end
end

return reply
