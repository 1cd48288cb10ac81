-- A sliding window's counter: "<start>@<previous>,<current>", with the settlements after it as in counter.lua.
--
-- The start is the running window's, in seconds; then the hits in the window before and in this one. The algorithm is
-- src/decision/sliding_window.rs; a property test holds the two together.

local function sliding_window()
  local pcall, match, format = redis.pcall, string.match, string.format
  local seconds = math.floor(now / 1000)
  local sliding = {}

  -- The counter as it is now; nil and why where the value cannot be had.
  function sliding.read(key, period)
    local length, tick, start = 1000 * period, now, seconds - seconds % period
    if period > FINE then length, tick = period, seconds end
    local most = math.min(math.floor(MOST_LEVEL / length), 4294967295)
    local state = { start = start, previous = 0, current = 0, period = period, length = length, most = most, settled = '' }
    local value, passed = pcall('GET', key), nil
    if type(value) == 'table' then return nil, value.err end
    if value then
      local from, previous, current, settled = match(value, '^(%d+)@(%d+),(%d+)(.*)$')
      from, previous, current = tonumber(from), tonumber(previous), tonumber(current)
      if not from or previous > most or current > most or (settled ~= '' and match(settled, '^[^ ]')) then
        return nil, NOT_OURS
      end
      state.stored = true
      if from >= start and from <= seconds + MAX_AHEAD then
        state.start, state.previous, state.current, state.settled = from, previous, current, settled
      elseif from + period == start then
        state.previous, state.settled = current, settled
      end
    end
    passed = tick - (period > FINE and state.start or 1000 * state.start)
    -- The part of the window before that still counts, in ticks.
    state.left = length - math.min(math.max(passed, 0), length)
    return state
  end

  function sliding.used(state)
    return state.current + math.ceil(state.previous * state.left / state.length)
  end

  function sliding.take(state, hits)
    state.current = math.min(state.current + hits, state.most)
  end

  function sliding.give_back(state, hits)
    local older = math.max(hits - state.current, 0)
    state.current = math.max(state.current - hits, 0)
    state.previous = math.max(state.previous - older, 0)
  end

  -- What the caller needs to know the state.
  function sliding.told(state)
    return { state.start, state.previous, state.current }
  end

  -- Puts in what somebody read: in the window that started then, and the one before, were at least so many.
  function sliding.merge(state, start, previous, current)
    if start + state.period == state.start then
      previous, current = current, 0
    elseif start ~= state.start then
      return false
    end
    local changes = previous > state.previous or current > state.current
    state.previous, state.current = math.max(previous, state.previous), math.max(current, state.current)
    return changes
  end

  -- Writes the counter; gives why it could not. One that never held anything is not begun.
  function sliding.write(key, state)
    if state.current == 0 and state.previous == 0 and not state.stored then return nil end
    local windows = state.current > 0 and 2 or 1
    local expiry = math.max(1000 * (state.start + windows * state.period) - now, 0) + SLACK
    local value = format('%d@%d,%d%s', state.start, state.previous, state.current, state.settled)
    return pcall('SET', key, value, 'PX', format('%d', expiry)).err
  end

  return sliding
end
