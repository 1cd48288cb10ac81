-- What every script of ours begins with: one counter, read and written.
--
-- A counter is a string: "<window start in seconds> <count>", then " <replica>=<outage>" for each replica that settled
-- in this window. It expires some time after its window, by a duration and never at a point in time.
-- ARGV[1] is the time now in milliseconds; scripts are functions of their arguments and never read a clock.
-- The algorithm is src/decision/fixed_window.rs; a property test holds the two together.

local now = tonumber(ARGV[1])

-- How far ahead of now a stored window may start, in seconds: clocks differ a little, and one that was wrong must not
-- freeze a counter. The same as fixed_window::MAX_AHEAD.
local MAX_AHEAD = 2
-- How long a counter outlives its window, in milliseconds: a clock that is a little late must find what was counted.
local SLACK = 3000

-- The functions, made where they are needed: making them costs as much as counting a key.
local function tools()
  local seconds = math.floor(now / 1000)
  local call, pcall, find, sub, format = redis.call, redis.pcall, string.find, string.sub, string.format

  -- Beyond 2^53 a number of Lua is no longer exact; a limit has 32 bits.
  local MOST = 9007199254740992

  local function is_whole(number)
    return number and number >= 0 and number <= MOST and number % 1 == 0
  end

  -- The window start, the count and the settlements in a counter's value; nil where it is no counter of ours.
  local function parse(value, unit)
    local gap = find(value, ' ', 1, true)
    if not gap then return nil end
    local window, count, settled = tonumber(sub(value, 1, gap - 1)), tonumber(sub(value, gap + 1)), ''
    if not count then
      local text, rest = string.match(value, '^%d+ (%d+)( .*)$')
      count, settled = tonumber(text), rest
    end
    if is_whole(window) and is_whole(count) and window % unit == 0 then return window, count, settled end
  end

  -- The window to count in, its count and settlements, and the window that is stored: none where the key is not there.
  -- A stored window that is a little newer than now goes on. Where the value cannot be had: nil and why.
  local function load(key, unit)
    local current = seconds - seconds % unit
    local value = pcall('GET', key)
    if not value then return current, 0, '', nil end
    if type(value) == 'table' then return nil, value.err end
    local window, count, settled = parse(value, unit)
    if not window then return nil, 'WRONGTYPE the value is not a counter of ours' end
    if window < current or window > seconds + MAX_AHEAD then return current, 0, '', window end
    return window, count, settled, window
  end

  -- Writes the counter; its expiry, too, where the window is new or somebody took the expiry away. Gives why it could not.
  local function save(key, unit, window, count, settled, stored)
    local value, reply = format('%d %d', window, count) .. settled, nil
    if stored == window and call('PTTL', key) > 0 then
      reply = pcall('SET', key, value, 'KEEPTTL')
    else
      reply = pcall('SET', key, value, 'PX', (window + unit) * 1000 - now + SLACK)
    end
    return reply.err
  end

  -- The count after `hits`, which are given back where negative; never below 0.
  local function add(count, hits)
    if hits < 0 then return math.max(count + hits, 0) end
    return math.min(count + hits, MOST)
  end

  -- A fault that is about one key: its value is not ours, or something was written already, so that the call as a whole
  -- must not be said to have done nothing.
  local function is_of_the_key(fault, wrote)
    return wrote or sub(fault, 1, 9) == 'WRONGTYPE'
  end

  return load, save, add, is_of_the_key
end
