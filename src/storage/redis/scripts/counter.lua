-- What every script of ours begins with: one counter, read and written.
--
-- A counter is a number: the mark of its window times 2^40, plus the count; so INCRBY alone counts, and tells the window.
-- A window's mark is its start divided by its length, modulo CYCLE, plus 1. Then " <replica>=<outage>" follows for each
-- replica that settled in this window. It expires some time after its window, by a duration and never at a point in time:
-- long before another window has its mark. docs/decisions/0013-packed-counters.md says why.
-- ARGV[1] is the time now in milliseconds; scripts are functions of their arguments and never read a clock.
-- The algorithm is src/decision/fixed_window.rs; a property test holds the two together.

local now = tonumber(ARGV[1])

-- How far ahead of now a stored window may start, in seconds: clocks differ a little, and one that was wrong must not
-- freeze a counter. The same as time::MAX_AHEAD.
local MAX_AHEAD = 2
-- How long a counter outlives its window, in milliseconds: a clock that is a little late must find what was counted.
local SLACK = 3000
-- With as many marks below 2^13 as there can be, a counter is below 2^53: Lua's numbers are exact up to there.
local CYCLE, SHIFT = 8191, 1099511627776
-- The highest count. Half of what there is room for, so that what is added to it can never reach the mark.
local MOST = 549755813888

-- The functions, made where they are needed: making them costs as much as counting a key.
local function tools()
  local seconds = math.floor(now / 1000)
  local call, pcall, sub, format = redis.call, redis.pcall, string.sub, string.format

  -- The window start, the count and the settlements in a counter's value; nil where it is no counter of ours. Of all the
  -- windows that have its mark the one that is nearest to now.
  local function parse(value, unit)
    local digits, settled = string.match(value, '^(%d+)(.*)$')
    local number = tonumber(digits)
    if not number or number < SHIFT or number > CYCLE * SHIFT + MOST then return nil end
    if settled ~= '' and sub(settled, 1, 1) ~= ' ' then return nil end
    local count = number % SHIFT
    if count > MOST then return nil end
    local current = math.floor(seconds / unit)
    local ahead = ((number - count) / SHIFT - 1 - current) % CYCLE
    if ahead > CYCLE / 2 then ahead = ahead - CYCLE end
    return (current + ahead) * unit, count, settled
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
    local value, reply = format('%d', (window / unit % CYCLE + 1) * SHIFT + count) .. settled, nil
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
