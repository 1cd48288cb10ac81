-- A sliding log's counter: a list of "<milliseconds>@<sum>", oldest first: when hits came, and how many came until then.
--
-- The first entry is forgotten (or "0@0"), and carries the settlements, as in counter.lua: so what counts is the last sum less that of the
-- last one that is forgotten, and neither counting nor forgetting goes through the list. The algorithm is src/decision/sliding_log.rs; a
-- property test holds the two together.
-- Of a log that is long not all can be told with every hit. So the first entry has "|<milliseconds>@<sum>,..." at its end: some of the
-- entries, which are told beside the oldest and the newest. What lies between two of them is taken to have come with the later one.

-- So many entries are told as they are.
local MOST_TOLD = 16
-- A longer log is told in about so many parts, which have so many hits at least.
local PARTS, PART = 10, 8
-- So long may the text with them become, until it is gone through: about twice as many as are needed.
local MOST_POINTS = 400
-- Forgotten entries that are left at the front of a long log, because to take away each by itself costs. A clock that goes back a little
-- counts them again.
local MOST_FORGOTTEN = 4
-- How much longer than needed a key is kept, in milliseconds, at the most; so not every hit has to set that anew.
local SPARE = 60000
-- The most hits that a log holds.
local MOST_HITS = 4294967295

local function sliding_log()
  local pcall, match, gmatch, gsub, format = redis.pcall, string.match, string.gmatch, string.gsub, string.format
  local min, max, floor = math.min, math.max, math.floor
  local log = {}

  local function parse(entry)
    local at, sum = match(entry, '^(%d+)@(%d+)')
    return tonumber(at), tonumber(sum)
  end

  -- The entry at this place of the list, where the first one is at 0: when it came, and the sum. The last forgotten one's time says nothing.
  local function entry_at(state, place)
    if place == state.forgotten then return 0, state.base end
    return parse(state.entries[place + 1] or pcall('LINDEX', state.key, place))
  end

  -- The first place behind `from` of which this is so: the last one's next where there is none; nil where the list is not ours. From
  -- there on it must be so.
  local function find(state, from, is_so)
    local step, to = 1, state.count
    -- What is looked for is mostly one of the first.
    while from + step < to do
      local at, sum = entry_at(state, from + step)
      if not at then return nil end
      if is_so(at, sum) then
        to = from + step
      else
        from, step = from + step, 2 * step
      end
    end
    while from + 1 < to do
      local middle = floor((from + to) / 2)
      local at, sum = entry_at(state, middle)
      if not at then return nil end
      if is_so(at, sum) then to = middle else from = middle end
    end
    return to
  end

  -- The place of the first entry that came after this time.
  local function first_after(state, time)
    return find(state, state.forgotten, function(at) return at > time end)
  end

  -- The counter as it is now; nil and why where the value cannot be had. Nothing is written: what a clock that goes back a little
  -- would count again stays until something changes.
  function log.read(key, period, _, _, state)
    state = state or {}
    local length = 1000 * period
    state.key, state.period, state.length, state.latest_forgotten = key, period, length, now - length
    state.used, state.base, state.sum, state.at, state.forgotten, state.count = 0, 0, 0, 0, 0, 1
    state.added, state.given, state.came, state.points, state.settled, state.kept = 0, 0, nil, '', '', nil
    state.stored, state.renewed, state.written = false, false, false
    local count = pcall('LLEN', key)
    if count == 0 then return state end
    if type(count) == 'table' then return nil, count.err end
    local entries = pcall('LRANGE', key, '0', count > MOST_TOLD + 1 and MOST_FORGOTTEN + 1 or '-1')
    local newest = entries[count] or pcall('LINDEX', key, '-1')
    local at, sum = parse(newest)
    local base, settled, points = match(entries[1], '^%d+@(%d+)([^|]*)|?(.*)$')
    base = tonumber(base)
    if not at or not base or match(settled, '^[^ ]') then return nil, NOT_OURS end
    state.stored = true
    if at > now + 1000 * MAX_AHEAD then
      state.renewed = true
      return state
    end
    state.entries, state.count, state.head, state.base, state.sum, state.at = entries, count, base, base, sum, at
    state.newest, state.points = newest, points
    state.settled, state.kept = settled, settled
    -- Mostly none is forgotten since, or a few.
    local forgotten, latest = 0, state.latest_forgotten
    for index = 2, #entries do
      local came_at, until_then = parse(entries[index])
      if not came_at then return nil, NOT_OURS end
      if came_at > latest then break end
      forgotten, base = index - 1, until_then
    end
    state.base, state.forgotten = base, forgotten
    if forgotten == #entries - 1 and forgotten < count - 1 then
      local live = first_after(state, latest)
      if not live then return nil, NOT_OURS end
      local _, gone = entry_at(state, live - 1)
      state.base, state.forgotten = gone, live - 1
    end
    -- Of a log that was empty for a while, what was settled is long past.
    if state.forgotten > 0 and at + length + SPARE <= now then state.settled = '' end
    state.used = sum - state.base
    return state
  end

  function log.left(state, room)
    return room - state.used
  end

  function log.take(state, hits)
    hits = min(hits, max(MOST_HITS - state.used, 0))
    if hits == 0 then return end
    state.used = state.used + hits
    state.added = state.added + hits
  end

  -- Tells, beside what was told, with which entry the last of so many goes that were held, oldest first.
  local function tell_of(state, hits)
    if state.told and hits > 1 and hits <= state.sum - state.base then
      local place = find(state, state.forgotten, function(_, sum) return sum - state.base >= hits end)
      if place then state.told[#state.told + 1] = pcall('LINDEX', state.key, place) end
    end
  end

  function log.give_back(state, hits)
    hits = min(hits, state.used)
    state.used = state.used - hits
    -- First what came in this very call.
    local fresh = min(hits, state.added)
    state.added = state.added - fresh
    state.given = state.given + hits - fresh
    tell_of(state, state.used)
  end

  -- Tells until when somebody has to wait who wants so many, if they do not fit.
  function log.wait(state, hits, room)
    tell_of(state, state.used + max(hits, 1) - room)
  end

  -- Puts what the caller needs to know of the state into a reply: a list of the sum that comes before all that is told, and of texts with
  -- one entry or several. Some may be forgotten, and they are in no order.
  function log.tell(state, reply, place)
    if state.written then log.read(state.key, state.period, nil, nil, state) end
    local live, told = state.count - 1 - state.forgotten, {}
    state.told = nil
    if state.count <= MOST_TOLD + 1 then
      if live > 0 then
        told = state.entries
        told[1] = state.head
      end
    elseif live <= MOST_TOLD then
      told = pcall('LRANGE', state.key, state.forgotten, -1)
      told[1] = state.base
    else
      local oldest = state.entries[state.forgotten + 2] or pcall('LINDEX', state.key, state.forgotten + 1)
      told = { state.base, oldest, state.newest, state.points }
      state.told = told
    end
    reply[place] = told
  end

  -- Hits that came earlier, into the state.
  local function add(state, at, hits)
    hits = min(hits, max(MOST_HITS - state.used, 0))
    -- A clock that is far ahead must not make the whole log one of the future.
    at = min(at, now + 1000 * MAX_AHEAD)
    if hits > 0 and at > state.latest_forgotten then
      state.came = state.came or {}
      state.came[#state.came + 1] = { at, hits }
      state.used = state.used + hits
    end
  end

  -- Times and hits, oldest first, from "<milliseconds>@<hits>,".
  local function listed(text)
    local list = {}
    for at, hits in gmatch(text, '(%d+)@(%d+),') do list[#list + 1] = { tonumber(at), tonumber(hits) } end
    return list
  end

  -- Puts in what somebody read: after each of its times as many count as did there. What is missing came with the next one.
  function log.merge(state, text)
    local read, count, added = listed(text), 0, 0
    for index = #read, 1, -1 do
      local at, hits = read[index][1], read[index][2]
      if at <= state.latest_forgotten then break end
      local before = index > 1 and read[index - 1][1] or 0
      local known = 0
      if state.used > added then
        local place = first_after(state, max(before, state.latest_forgotten))
        local _, sum = entry_at(state, (place or state.count) - 1)
        known = state.sum - (sum or state.base)
      end
      count = count + hits
      local missing = count - known - added
      if missing > 0 then
        add(state, at, missing)
        added = added + missing
      end
    end
    return added > 0
  end

  -- Takes hits that came earlier.
  function log.take_as_they_came(state, text)
    for _, came in ipairs(listed(text)) do add(state, came[1], came[2]) end
  end

  -- Writes hits among the entries behind this place; gives when the newest came and the sum, or why it could not.
  local function write_among(key, came, place, at, sum)
    table.sort(came, function(one, other) return one[1] < other[1] end)
    local others, before = pcall('LRANGE', key, place, -1), sum
    if #others > 0 then
      local _, last = parse(pcall('LINDEX', key, place - 1))
      sum, before = last, last
      pcall('LTRIM', key, 0, place - 1)
    end
    local index, other = 1, 1
    while came[index] or others[other] do
      local then_at, then_sum
      if others[other] then then_at, then_sum = parse(others[other]) end
      at = min(then_at or math.huge, came[index] and came[index][1] or math.huge)
      if then_at == at then
        sum, before, other = sum + then_sum - before, then_sum, other + 1
      end
      while came[index] and came[index][1] == at do
        sum, index = sum + came[index][2], index + 1
      end
      local reply = pcall('RPUSH', key, format('%d@%d', at, sum))
      if type(reply) == 'table' then return nil, reply.err end
    end
    return at, sum
  end

  -- Writes the entries to tell of a log that was written anew, at even distances; gives why it could not.
  local function write_points(key, state)
    local live, points = pcall('LLEN', key) - 1, ''
    if live <= MOST_TOLD then return nil end
    for part = 1, PARTS - 1 do points = points .. pcall('LINDEX', key, floor(part * live / PARTS)) .. ',' end
    return pcall('LSET', key, 0, format('0@%d', state.base) .. state.settled .. '|' .. points).err
  end

  -- The entries to tell once `at` and `sum` are no longer the newest: one more, where much has come since the last one.
  local function more_points(state, points, at, sum)
    local last, most = max(tonumber(match(points, '@(%d+),$', -20)) or 0, state.base), max(PART, state.used / PARTS)
    if state.count - state.forgotten <= MOST_TOLD or sum - last < most then return points end
    points = points .. format('%d@%d,', at, sum)
    if #points <= MOST_POINTS then return points end
    -- Of those that are near to each other the later ones stay.
    local kept, before = {}, state.base
    for point, of_point in gmatch(points, '(%d+@(%d+),)') do
      of_point = tonumber(of_point)
      if of_point > state.base then kept[#kept + 1] = { point, of_point } end
    end
    points = ''
    for index, point in ipairs(kept) do
      local after = kept[index + 1]
      if not after or after[2] - before > most then points, before = points .. point[1], point[2] end
    end
    return points
  end

  -- Takes back the latest hits; gives when the newest that is left came, and the sum, or why it could not.
  local function write_given(key, given, at, sum)
    while given > 0 do
      local _, before = parse(pcall('LINDEX', key, -2))
      local here = min(given, sum - before)
      given, sum = given - here, sum - here
      if sum == before then
        pcall('RPOP', key)
        at = parse(pcall('LINDEX', key, -1))
      else
        local reply = pcall('LSET', key, -1, format('%d@%d', at, sum))
        if reply.err then return nil, reply.err end
      end
    end
    return at, sum
  end

  -- Writes hits as the newest; gives when they came, or why it could not.
  local function write_added(key, state, at, sum)
    local reply
    -- A clock that is a little behind does not bring an old entry behind a new one.
    if sum > state.base and at >= now then
      reply = pcall('LSET', key, -1, format('%d@%d', at, sum + state.added))
    else
      at = now
      reply = pcall('RPUSH', key, format('%d@%d', at, sum + state.added))
    end
    if type(reply) == 'table' and reply.err then return nil, reply.err end
    return at
  end

  -- Writes the first entry, and takes away what is forgotten; gives why it could not.
  local function write_first(key, state, points)
    local reply
    if state.renewed then pcall('DEL', key) end
    if state.renewed or not state.stored then
      reply = pcall('RPUSH', key, '0@0' .. state.settled)
      return type(reply) == 'table' and reply.err or nil
    end
    local forgotten, live = state.forgotten, state.count - 1 - state.forgotten
    local changes = points ~= state.points or state.settled ~= state.kept
    local trims = forgotten > 0 and (changes or state.came or live <= MOST_TOLD or forgotten >= MOST_FORGOTTEN)
    if trims then reply = pcall('LTRIM', key, forgotten, -1) end
    local behind = state.settled .. (points ~= '' and '|' .. points or '')
    if changes or (trims and behind ~= '') then
      reply = pcall('LSET', key, 0, format('0@%d', trims and state.base or state.head) .. behind)
    end
    return type(reply) == 'table' and reply.err or nil
  end

  -- Writes the counter; gives why it could not. One that never held anything is not begun. Only the first command that writes can be
  -- refused for want of memory.
  function log.write(key, state)
    local came, at, sum, points = state.came, state.at, state.sum, state.points
    local begins = state.renewed or not state.stored
    if not state.stored and state.added == 0 and not came then return nil end
    -- Where hits that came earlier belong, once what is forgotten is gone.
    local place = 1
    if came and not begins then
      local earliest = came[1][1]
      for _, one in ipairs(came) do earliest = min(earliest, one[1]) end
      place = (first_after(state, earliest - 1) or state.count) - state.forgotten
    end
    state.written = true
    if came then
      points = ''
    elseif state.given > 0 then
      local left = sum - state.given
      points = gsub(points, '%d+@(%d+),', function(of_point) return tonumber(of_point) > left and '' or nil end)
    elseif not begins and state.added > 0 and at < now then
      points = more_points(state, points, at, sum)
    end
    local fault = write_first(key, state, points)
    if fault then return fault end
    at, sum = write_given(key, state.given, at, sum)
    if at and came then at, sum = write_among(key, came, place, at, sum) end
    if not at then return sum end
    fault = came and write_points(key, state)
    if fault then return fault end
    if state.added > 0 then
      at, fault = write_added(key, state, at, sum)
      if not at then return fault end
    end
    -- All whose newest hit came in one stretch of time are kept until the same time.
    local stretch = min(SPARE, state.length)
    local begin = at - at % stretch
    if begins or state.at < begin then
      pcall('PEXPIRE', key, format('%d', max(begin + stretch + state.length - now, 0) + SLACK))
    end
    return nil
  end

  return log
end
