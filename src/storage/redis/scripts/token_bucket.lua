-- A token bucket's counter, and a leaky one's: the letter b and three numbers of 8 bytes, with the settlements after them as in counter.lua.
--
-- The numbers are the level, in hits times the ticks of a period; the tick at which it was so; and when the key expires, in milliseconds,
-- so that hardly any hit has to set that anew. They are packed because to read and write texts costs as much as the rest. The
-- algorithm is src/decision/token_bucket.rs; a property test holds the two together.

local PACKED, PACKED_BYTES = '>c1ddd', 25
-- How much longer than needed a key is kept, in milliseconds, at the most.
local SPARE = 60000

-- How long a tick is and how many a period has, in milliseconds.
local function ticks_of(period)
  if period > FINE then return 1000, period end
  return 1, 1000 * period
end

-- Stores a bucket that was brought to `at` and filled, and sets anew when it goes; gives the reply.
local function put_bucket(key, level, at, settled, rate, millis)
  local needed = math.ceil(level / rate) * millis + at * millis - now + SLACK
  local expiry = math.min(needed + math.min(needed, SPARE), LONGEST)
  local value = struct.pack(PACKED, 'b', level, at, now + expiry) .. settled
  return redis.pcall('SET', key, value, 'PX', string.format('%d', expiry))
end

local function token_bucket()
  local pcall, sub = redis.pcall, string.sub
  local bucket = {}

  -- The counter as it is now; nil and why where the value cannot be had.
  function bucket.read(key, period, rate)
    local millis, length = ticks_of(period)
    local tick = math.floor(now / millis)
    local state = { level = 0, at = tick, tick = tick, length = length, millis = millis, rate = rate, settled = '' }
    local value = pcall('GET', key)
    if not value then return state end
    if type(value) == 'table' then return nil, value.err end
    if #value < PACKED_BYTES or sub(value, 1, 1) ~= 'b' then return nil, NOT_OURS end
    local _, level, at = struct.unpack(PACKED, value)
    local settled = sub(value, PACKED_BYTES + 1)
    if not (level >= 0 and level <= MOST_LEVEL) or (settled ~= '' and sub(settled, 1, 1) ~= ' ') then return nil, NOT_OURS end
    state.stored = true
    if at * millis > now + 1000 * MAX_AHEAD then return state end
    state.settled = settled
    if tick > at then level = math.max(level - (tick - at) * rate, 0) else state.at = at end
    state.level = level
    return state
  end

  function bucket.used(state)
    return math.ceil(state.level / state.length)
  end

  function bucket.take(state, hits)
    state.level = math.min(state.level + hits * state.length, MOST_LEVEL)
  end

  function bucket.give_back(state, hits)
    state.level = math.max(state.level - hits * state.length, 0)
  end

  -- What the caller needs to know the state: the level, and how many ticks ahead it is so, which mostly is none.
  function bucket.told(state)
    return { state.level, state.at - state.tick }
  end

  -- Puts in what somebody read: the level was at least so high at that tick.
  function bucket.merge(state, level, at)
    level = math.max(level - math.max(state.tick - at, 0) * state.rate, 0)
    local changes = level > state.level
    if changes then state.level = level end
    return changes
  end

  -- Writes the counter; gives why it could not. One that never held anything is not begun.
  function bucket.write(key, state)
    if state.level == 0 and not state.stored then return nil end
    return put_bucket(key, state.level, state.at, state.settled, state.rate, state.millis).err
  end

  return bucket
end
