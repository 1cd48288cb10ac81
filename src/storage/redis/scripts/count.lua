-- Counts hits, denied ones like any other.
--
-- ARGV after the time, for each run of keys with equal arguments: their unit in seconds, what is added to each, and the
-- number of the run's last key, which the last run may leave out. What is added is either one number, the sum of what
-- several hits take (a reading for each follows from the sum, without us), or several numbers with a comma after each,
-- in the order of arrival, where some give back.
-- Answers for each key: the count after the sum alone where the window is the one that is current at the time in ARGV.
-- Otherwise a list: the window's start (or a text: why this key could not be counted), then the count after the sum, or
-- the counts after each of the numbers.

local reply, others, wrote = {}, nil, false
local seconds = math.floor(now / 1000)
local pcall = redis.pcall

-- The common case stands here in full, because functions cost: something is taken from a counter whose window is the
-- current one, or that is not there. Tables cost as well, and so does whatever each key has of its own in ARGV.
local first = 1
for run = 2, #ARGV, 3 do
  local unit, hits, last = tonumber(ARGV[run]), ARGV[run + 1], tonumber(ARGV[run + 2]) or #KEYS
  local sum, current = tonumber(hits), seconds - seconds % unit
  local base = (current / unit % CYCLE + 1) * SHIFT
  local is_sum = sum and sum > 0 and sum < MOST
  for index = first, last do
    local key, count = KEYS[index], nil
    if is_sum then
      local number = pcall('INCRBY', key, hits)
      if number == sum then
        local expiry = (current + unit) * 1000 - now + SLACK
        if pcall('SET', key, string.format('%d', base + sum), 'PX', expiry).err then
          pcall('DEL', key)
        else
          count = sum
        end
      elseif type(number) == 'number' then
        count = number - base
        local is_of_this_window = count >= sum and count <= MOST
        -- Somebody may have taken the expiry away. To look costs half as much as to count, so it is done once in a hundred hits.
        if not is_of_this_window or (count % 100 < sum and pcall('PTTL', key) == -1) then
          pcall('DECRBY', key, hits)
          count = nil
        end
      end
    end
    if count then
      reply[index], wrote = count, true
    else
      others = others or {}
      others[#others + 1] = { index, unit, hits }
    end
  end
  first = last + 1
end

if not others then return reply end

-- Any key and any hits, with the functions.
local load, save, add, is_of_the_key = tools()
for _, other in ipairs(others) do
  local index, unit, hits = other[1], other[2], other[3]
  local key = KEYS[index]
  local window, before, settled, stored = load(key, unit)
  local count, counted, fault, answer = before, false, nil, { 0 }
  if not window then
    fault, count = before, 0
  end
  for number in string.gmatch(hits, '-?%d+') do
    if not fault then count = add(count, tonumber(number)) end
    counted = counted or count > 0
    answer[#answer + 1] = count
  end
  -- Looks and refunds create no counter and begin no window, and a look at what is stored leaves it as it is.
  if not fault and (stored ~= window and counted or stored == window and count ~= before) then
    fault = save(key, unit, window, count, settled, stored)
    wrote = wrote or not fault
  end
  if fault and not is_of_the_key(fault, wrote) then return { err = fault } end
  answer[1] = fault or window
  reply[index] = answer
end

return reply
