-- A sliding log's counter: a list of "<milliseconds>@<sum>", oldest first: when hits came, and how many came until then.
--
-- The first entry is the last one that is forgotten (or "0@0"), and carries the settlements, as in counter.lua: so what counts is the
-- last sum less the first, and neither counting nor forgetting goes through the list. The algorithm is src/decision/sliding_log.rs;
-- a property test holds the two together.

local function sliding_log()
  local pcall, match, format, min, max = redis.pcall, string.match, string.format, math.min, math.max
  local log = {}

  local function parse(entry)
    local at, sum, settled = match(entry, '^(%d+)@(%d+)(.*)$')
    if not at or (settled ~= '' and match(settled, '^[^ ]')) then return nil end
    return tonumber(at), tonumber(sum), settled
  end

  -- The counter as it is now; nil and why where the value cannot be had. Nothing is written: what a clock that goes back a little
  -- would count again stays until something changes.
  function log.read(key, period, _, _, state)
    state = state or {}
    state.used, state.base, state.sum, state.at, state.forgotten = 0, 0, 0, 0, 0
    state.oldest, state.first, state.added, state.given, state.settled = 0, 0, 0, 0, ''
    state.length, state.stored, state.renewed = 1000 * period, false, false
    local length = state.length
    local newest = pcall('LINDEX', key, -1)
    if not newest then return state end
    if type(newest) == 'table' then return nil, newest.err end
    local head = pcall('LINDEX', key, 0)
    local at, sum = parse(newest)
    local _, base, settled = parse(head)
    if not at or not base then return nil, NOT_OURS end
    state.stored = true
    if at > now + 1000 * MAX_AHEAD then
      state.renewed = true
      return state
    end
    state.at, state.sum, state.settled = at, sum, settled
    -- The entries that are forgotten by now: nearly always none, or those of a few milliseconds.
    local entry = pcall('LINDEX', key, 1)
    while entry do
      local entry_at, entry_sum = parse(entry)
      if not entry_at then return nil, NOT_OURS end
      if entry_at + length > now then
        state.oldest, state.first = entry_at, entry_sum - base
        break
      end
      base, state.forgotten = entry_sum, state.forgotten + 1
      entry = pcall('LINDEX', key, 1 + state.forgotten)
    end
    state.base, state.used = base, sum - base
    return state
  end

  function log.left(state, room)
    return room - state.used
  end

  function log.take(state, hits)
    hits = min(hits, max(4294967295 - state.used, 0))
    if hits == 0 then return end
    state.used = state.used + hits
    state.added = state.added + hits
  end

  function log.give_back(state, hits)
    hits = min(hits, state.used)
    state.used = state.used - hits
    -- First what came in this very call.
    local fresh = min(hits, state.added)
    state.added = state.added - fresh
    state.given = state.given + hits - fresh
  end

  -- Puts what the caller needs to know of the state into a reply: the oldest entry that counts and how many came with it, the newest,
  -- and how many count in all.
  function log.tell(state, reply, place)
    reply[place], reply[place + 1] = state.oldest, state.first
    reply[place + 2], reply[place + 3] = state.added > 0 and max(state.at, now) or state.at, state.used
  end

  -- Puts in what somebody read: so many counted at that time. Where more are missing than are known here, they are taken to have
  -- come now.
  function log.merge(state, at, hits)
    if at + state.length <= now or hits <= state.used then return false end
    log.take(state, hits - state.used)
    return true
  end

  -- Writes the counter; gives why it could not. One that never held anything is not begun. Only the first command that writes can be
  -- refused for want of memory.
  function log.write(key, state)
    local added, given = state.added, state.given
    if added == 0 and not state.stored then return nil end
    local reply
    if state.renewed then pcall('DEL', key) end
    if state.renewed or not state.stored then
      reply = pcall('RPUSH', key, '0@0' .. state.settled)
    elseif state.forgotten > 0 then
      reply = pcall('LTRIM', key, state.forgotten, -1)
    end
    if type(reply) == 'table' and reply.err then return reply.err end
    if state.stored and not state.renewed and state.settled ~= '' then
      local head = match(pcall('LINDEX', key, 0), '^%d+@%d+')
      reply = pcall('LSET', key, 0, head .. state.settled)
      if reply.err then return reply.err end
    end
    -- What is given back goes from the end.
    local sum, at = state.sum, state.at
    while given > 0 do
      local _, before = parse(pcall('LINDEX', key, -2))
      local here = min(given, sum - before)
      given, sum = given - here, sum - here
      if sum == before then
        pcall('RPOP', key)
        at = parse(pcall('LINDEX', key, -1))
      else
        reply = pcall('LSET', key, -1, format('%d@%d', at, sum))
        if reply.err then return reply.err end
      end
    end
    if added > 0 then
      -- A clock that is a little behind does not bring an old entry behind a new one.
      if sum > state.base and at >= now then
        reply = pcall('LSET', key, -1, format('%d@%d', at, sum + added))
      else
        at = now
        reply = pcall('RPUSH', key, format('%d@%d', at, sum + added))
      end
      if type(reply) == 'table' and reply.err then return reply.err end
    end
    pcall('PEXPIRE', key, format('%d', max(at + state.length - now, 0) + SLACK))
    return nil
  end

  return log
end
