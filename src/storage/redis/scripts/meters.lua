-- The meters by the letter of their algorithm, each made when it is first needed.
local makers, made = { s = sliding_window, t = token_bucket, l = token_bucket, x = sliding_log }, {}

-- The functions of a meter, the period in seconds, a tick in milliseconds and what drains in a tick, from "<letter><period>/<rate>". A
-- capital letter says that time is counted in seconds, as in keys.
local function meter_of(text)
  local letter, period, rate = string.match(text, '^(%a)(%d+)/(%d+)$')
  local small = string.lower(letter)
  made[small] = made[small] or makers[small]()
  return made[small], tonumber(period), small == letter and 1 or 1000, tonumber(rate)
end

-- What the caller needs to know of a state.
local function told(meter, state)
  local numbers = {}
  meter.tell(state, numbers, 1)
  return numbers
end

-- Another state that is the same.
local function copied(state)
  local copy = {}
  for name, value in pairs(state) do copy[name] = value end
  return copy
end
