-- A token bucket's counter, and a leaky one's: the letter b and three numbers, as meter.lua has it.
--
-- The numbers are the level, in hits times the ticks of a period; the tick at which it was so; and when the key expires, in milliseconds,
-- so that hardly any hit has to set that anew. The algorithm is src/decision/token_bucket.rs; a property test holds the two together.

-- How much longer than needed a key is kept, in milliseconds, at the most.
local SPARE = 60000
-- How long a bucket has been empty, in milliseconds, when it forgets the settlements: one that is used for ever would carry the marks of all
-- replicas that there ever were. A settlement that comes twice, so late, counts twice, which denies too much and never too little.
local FORGETS_AFTER = 60000

-- For how long a bucket is kept that is empty at this time, in milliseconds.
local function expiry_of(empties)
  local needed = empties - now + SLACK
  return math.min(needed + math.min(needed, SPARE), LONGEST)
end

local function token_bucket()
  local pcall, pack, floor, ceil, min, max = redis.pcall, struct.pack, math.floor, math.ceil, math.min, math.max
  local bucket = {}

  -- The counter as it is now; nil and why where the value cannot be had.
  function bucket.read(key, period, millis, rate, state)
    state = state or {}
    local tick, length = floor(now / millis), 1000 * period / millis
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
      level = level - (tick - at) * rate
      if level < 0 then
        if settled ~= '' and level * millis < -FORGETS_AFTER * rate then state.settled = '' end
        level = 0
      end
    elseif level > 0 then
      state.at = at
    end
    state.level = level
    return state
  end

  function bucket.left(state, room)
    return floor((room - state.level) / state.length)
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
    local millis, rate = run.millis, run.rate
    local tick, latest, more = floor(now / millis), now + 1000 * MAX_AHEAD, run.times * run.amount * 1000 * run.period / millis
    local room = run.room - more
    return function(key, reply, place)
      local value, level, at, expires = pcall('GET', key), 0, tick, 0
      if value then
        if #value < PACKED_BYTES then return false end
        local letter, stored, stored_at, goes = unpack(PACKED, value)
        if letter ~= 'b' or not (stored >= 0 and stored_at * millis <= latest) then return false end
        if tick > stored_at then
          level = stored - (tick - stored_at) * rate
          if level < 0 then
            -- There may be settlements to forget.
            if #value > PACKED_BYTES then return false end
            level = 0
          end
        elseif stored > 0 then
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
