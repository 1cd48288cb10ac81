-- A sliding window's counter: the letter s and three numbers, as meter.lua has it.
--
-- The numbers are the running window's start, in seconds; then the hits in the window before and in this one. The algorithm is
-- src/decision/sliding_window.rs; a property test holds the two together.

-- The most hits that a window may hold.
local function most_of(length)
  return math.min(math.floor(MOST_LEVEL / length), 4294967295)
end

local function sliding_window()
  local pcall, pack, floor, ceil, min, max = redis.pcall, struct.pack, math.floor, math.ceil, math.min, math.max
  local seconds = floor(now / 1000)
  local sliding = {}

  -- The counter as it is now; nil and why where the value cannot be had.
  function sliding.read(key, period, tick, _, state)
    state = state or {}
    local scale, start = 1000 / tick, seconds - seconds % period
    local length = scale * period
    local most = most_of(length)
    state.start, state.previous, state.current, state.settled, state.kept = start, 0, 0, '', nil
    state.period, state.length, state.most, state.stored = period, length, most, false
    local value = pcall('GET', key)
    if type(value) == 'table' then return nil, value.err end
    if value then
      local settled, from, previous, current = unpacked(value, 's')
      local is_ours = settled and from >= 0 and previous >= 0 and previous <= most and current >= 0 and current <= most
      if not is_ours then return nil, NOT_OURS end
      state.stored = true
      if from >= start and from <= seconds + MAX_AHEAD then
        state.settled, state.kept = settled, settled
        if previous + current > 0 then state.start, state.previous, state.current = from, previous, current end
      elseif from + period == start then
        state.previous, state.settled = current, settled
      end
    end
    -- The part of the window before that still counts, in ticks.
    state.weight = length - min(max(floor(now / tick) - scale * state.start, 0), length)
    return state
  end

  function sliding.left(state, room)
    return room - state.current - ceil(state.previous * state.weight / state.length)
  end

  function sliding.take(state, hits)
    state.current = min(state.current + hits, state.most)
  end

  function sliding.give_back(state, hits)
    local older = max(hits - state.current, 0)
    state.current = max(state.current - hits, 0)
    state.previous = max(state.previous - older, 0)
  end

  -- Puts what the caller needs to know of the state into a reply.
  function sliding.tell(state, reply, place)
    reply[place], reply[place + 1], reply[place + 2] = state.start, state.previous, state.current
  end

  -- Puts in what somebody read: in the window that started then, and the one before, were at least so many.
  function sliding.merge(state, start, previous, current)
    if start + state.period == state.start then
      previous, current = current, 0
    elseif start ~= state.start then
      return false
    end
    local changes = previous > state.previous or current > state.current
    state.previous, state.current = max(previous, state.previous), max(current, state.current)
    return changes
  end

  -- Writes the counter; gives why it could not. One that never held anything is not begun. It expires when the window after the one
  -- in which it was begun is over, so within a window that need not be said again.
  function sliding.write(key, state)
    if state.current == 0 and state.previous == 0 and not state.stored then return nil end
    local value = pack(PACKED, 's', state.start, state.previous, state.current)
    if state.kept == state.settled then return put_over(key, value) end
    return put(key, value .. state.settled, max(1000 * (state.start + 2 * state.period) - now, 0) + SLACK)
  end

  -- Counts hits that take the same and fit all, in a window that runs: a function that gives whether it did.
  function sliding.quick(run)
    local period, scale, start = run.period, 1000 / run.millis, seconds - seconds % run.period
    local length, hits = scale * period, run.times * run.amount
    local weight, room = length - (floor(now / run.millis) - scale * start), min(run.room, most_of(length)) - hits
    return function(key, reply, place)
      local value = pcall('GET', key)
      if not value or #value < PACKED_BYTES then return false end
      local letter, from, previous, current = unpack(PACKED, value)
      local is_ours = letter == 's' and previous >= 0 and current >= 0
      if not is_ours or from ~= start then return false end
      if current + ceil(previous * weight / length) > room then return false end
      reply[place], reply[place + 1], reply[place + 2] = start, previous, current
      return type(pcall('SETRANGE', key, '0', pack(PACKED, 's', start, previous, current + hits))) == 'number'
    end
  end

  return sliding
end
