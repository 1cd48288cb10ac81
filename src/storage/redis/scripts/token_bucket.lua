-- A token bucket's counter, and a leaky one's: "<level>@<tick>", with the settlements after it as in counter.lua.
--
-- The level is in hits times the ticks of a period, the tick is when it was so. The algorithm is src/decision/token_bucket.rs; a
-- property test holds the two together.

local function token_bucket()
  local pcall, match, format = redis.pcall, string.match, string.format
  local bucket = {}

  -- The counter as it is now; nil and why where the value cannot be had.
  function bucket.read(key, period, rate)
    local length, tick, millis = 1000 * period, now, 1
    if period > FINE then length, tick, millis = period, math.floor(now / 1000), 1000 end
    local state = { level = 0, at = tick, tick = tick, length = length, millis = millis, rate = rate, settled = '' }
    local value = pcall('GET', key)
    if not value then return state end
    if type(value) == 'table' then return nil, value.err end
    local level, at, settled = match(value, '^(%d+)@(%d+)(.*)$')
    level, at = tonumber(level), tonumber(at)
    if not level or level > MOST_LEVEL or (settled ~= '' and match(settled, '^[^ ]')) then return nil, NOT_OURS end
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

  -- What the caller needs to know the state.
  function bucket.told(state)
    return { state.level, state.at }
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
    local ticks = math.ceil(state.level / state.rate) + state.at - state.tick
    local expiry = math.min(ticks * state.millis, LONGEST) + SLACK
    return pcall('SET', key, format('%d@%d%s', state.level, state.at, state.settled), 'PX', format('%d', expiry)).err
  end

  return bucket
end
