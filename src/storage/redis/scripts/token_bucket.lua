-- A token bucket's counter, and a leaky one's: the letter b and three numbers, as meter.lua has it.
--
-- The numbers are the level, in hits times the ticks of a period; the tick at which it was so; and when the key expires, in milliseconds,
-- so that hardly any hit has to set that anew. The algorithm is src/decision/token_bucket.rs; a property test holds the two together.

-- How much longer than needed a key is kept, in milliseconds, at the most.
local SPARE = 60000

-- For how long a bucket is kept that is empty at this time, in milliseconds.
local function expiry_of(empties)
  local needed = empties - now + SLACK
  return math.min(needed + math.min(needed, SPARE), LONGEST)
end

local function token_bucket()
  local pcall, pack, floor, ceil, min, max = redis.pcall, struct.pack, math.floor, math.ceil, math.min, math.max
  local bucket = {}

  -- The counter as it is now; nil and why where the value cannot be had.
  function bucket.read(key, period, rate, state)
    state = state or {}
    local millis, length = 1, 1000 * period
    if period > FINE then millis, length = 1000, period end
    local tick = floor(now / millis)
    state.level, state.at, state.expires, state.settled, state.kept = 0, tick, 0, '', nil
    state.tick, state.length, state.millis, state.rate, state.stored = tick, length, millis, rate, false
    local value = pcall('GET', key)
    if not value then return state end
    if type(value) == 'table' then return nil, value.err end
    local settled, level, at, expires = unpacked(value, 'b')
    if not settled or not (level >= 0 and level <= MOST_LEVEL and at >= 0) then return nil, NOT_OURS end
    state.stored = true
    if at * millis > now + 1000 * MAX_AHEAD then return state end
    state.settled, state.kept, state.expires = settled, settled, expires
    if tick > at then
      level = max(level - (tick - at) * rate, 0)
    else
      state.at = at
    end
    state.level = level
    return state
  end

  function bucket.used(state)
    return ceil(state.level / state.length)
  end

  function bucket.take(state, hits)
    state.level = min(state.level + hits * state.length, MOST_LEVEL)
  end

  function bucket.give_back(state, hits)
    state.level = max(state.level - hits * state.length, 0)
  end

  -- Puts what the caller needs to know of the state into a reply: the level, and how many ticks ahead it is so, which mostly is none.
  function bucket.tell(state, reply, place)
    reply[place], reply[place + 1] = state.level, state.at - state.tick
  end

  -- Puts in what somebody read: the level was at least so high at that tick.
  function bucket.merge(state, level, at)
    level = max(level - max(state.tick - at, 0) * state.rate, 0)
    local changes = level > state.level
    if changes then state.level = level end
    return changes
  end

  -- Writes the counter; gives why it could not. One that never held anything is not begun.
  function bucket.write(key, state)
    local level, at = state.level, state.at
    if level == 0 and not state.stored then return nil end
    local empties = (ceil(level / state.rate) + at) * state.millis
    if state.kept == state.settled and empties + SLACK <= state.expires then
      return put_over(key, pack(PACKED, 'b', level, at, state.expires))
    end
    local expiry = expiry_of(empties)
    return put(key, pack(PACKED, 'b', level, at, now + expiry) .. state.settled, expiry)
  end

  -- Counts hits that take the same and fit all, on a bucket that no clock has left far ahead: a function that gives whether it did.
  function bucket.quick(run)
    local millis, length, rate = 1, 1000 * run.period, run.rate
    if run.period > FINE then millis, length = 1000, run.period end
    local tick, latest, more = floor(now / millis), now + 1000 * MAX_AHEAD, run.times * run.amount * length
    local room = run.capacity * length - more
    return function(key, reply, place)
      local value, level, at, expires = pcall('GET', key), 0, tick, 0
      if value then
        if #value < PACKED_BYTES then return false end
        local letter, stored, stored_at, goes = unpack(PACKED, value)
        if letter ~= 'b' or not (stored >= 0 and stored_at * millis <= latest) then return false end
        if tick > stored_at then
          level = stored - (tick - stored_at) * rate
          if level < 0 then level = 0 end
        else
          level, at = stored, stored_at
        end
        expires = goes
      end
      if level > room then return false end
      reply[place], reply[place + 1] = level, at - tick
      level = level + more
      local empties = (level / rate + 1 + at) * millis
      if empties + SLACK <= expires then
        return type(pcall('SETRANGE', key, '0', pack(PACKED, 'b', level, at, expires))) == 'number'
      end
      if value and #value > PACKED_BYTES then return false end
      local expiry = expiry_of(ceil(empties))
      return not put(key, pack(PACKED, 'b', level, at, now + expiry), expiry)
    end
  end

  return bucket
end
