// What is done in Redis at once. Each script works on one key, so that a cluster can carry it out; what stands under the key
// may be anything: what is not ours is overwritten.

/** Reads a value that is to be text; what is none is removed. */
const READ = `
local function read(key)
  local value = redis.pcall('get', key)
  if type(value) == 'table' then redis.call('del', key) value = false end
  return value
end
local function parse(value)
  if not value then return nil end
  local state, token, begun, rest = string.match(value, '^([hwd]) (%S+) (%d+) ?(.*)$')
  return state, token, tonumber(begun), rest
end
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
`;

/**
 * Acquires a lock. Its value is `h`, held · `w`, held and waited for · `d`, done; the token of its owner; when it was acquired, by
 * the clock of Redis; the outcome of the work.
 *
 * Arguments: token · milliseconds until it expires · milliseconds after which an owner is overtaken · milliseconds ago before
 * which work that began is out of date. Returns `mine`, `done` with the outcome, or `held` with the milliseconds until it expires.
 */
export const ACQUIRE = `${READ}
local state, token, begun, rest = parse(read(KEYS[1]))
local age = begun and now - begun
local fits = age and age >= -60000 and age < tonumber(ARGV[4])
if fits and state == 'd' then return { 'done', rest } end
if fits and state ~= 'd' and age < tonumber(ARGV[3]) then
  local left = redis.call('pttl', KEYS[1])
  if left < 0 or left > tonumber(ARGV[2]) then
    left = tonumber(ARGV[2])
    redis.call('pexpire', KEYS[1], left)
  end
  if state == 'h' then
    redis.call('set', KEYS[1], 'w ' .. token .. ' ' .. string.format('%.0f', begun), 'KEEPTTL')
  end
  return { 'held', tostring(left) }
end
local first = state == 'w' and 'w ' or 'h '
redis.call('set', KEYS[1], first .. ARGV[1] .. ' ' .. string.format('%.0f', now), 'PX', ARGV[2])
return { 'mine' }
`;

/** Renews a lock. Arguments: token · milliseconds until it expires. Returns whether this token still has it. */
export const RENEW = `${READ}
local state, token = parse(read(KEYS[1]))
if token ~= ARGV[1] or state == 'd' then return 0 end
return redis.call('pexpire', KEYS[1], ARGV[2])
`;

/**
 * Releases a lock, if this token still has it. Arguments: token · the outcome, or nothing · milliseconds for which the outcome
 * is kept · channel · what is published there if others wait.
 */
export const RELEASE = `${READ}
local state, token, begun = parse(read(KEYS[1]))
if token ~= ARGV[1] or state == 'd' then return 0 end
if ARGV[2] == '' then
  redis.call('del', KEYS[1])
else
  local head = 'd ' .. token .. ' ' .. string.format('%.0f', begun) .. ' '
  redis.call('set', KEYS[1], head .. ARGV[2], 'PX', ARGV[3])
end
if state == 'w' then redis.call('publish', ARGV[4], ARGV[5]) end
return 1
`;

/** Announcements in the list, and milliseconds after the last one until the list expires. */
const MAX_ANNOUNCEMENTS = 5_000;
const LIST_LIFETIME_MS = 7 * 24 * 60 * 60_000;

const LAST_ENTRY = `
local function last(key)
  local found = redis.pcall('xrevrange', key, '+', '-', 'COUNT', 1)
  if found.err then redis.call('del', key) found = {} end
  if not found[1] then return 0, '0-0' end
  return tonumber(found[1][2][2]) or 0, found[1][1]
end
`;

/** Adds an announcement. Each has a number, one more than the one before. Arguments: text · channel · news. Returns its id. */
export const ANNOUNCE = `${LAST_ENTRY}
local number = last(KEYS[1]) + 1
local id = redis.call('xadd', KEYS[1], 'MAXLEN', ${MAX_ANNOUNCEMENTS}, '*', 'number', string.format('%.0f', number), 'text', ARGV[1])
redis.call('pexpire', KEYS[1], ${LIST_LIFETIME_MS})
redis.call('publish', ARGV[2], ARGV[3])
return id
`;

/**
 * The announcements after a given one. Arguments: its id; or milliseconds, for all of that age or younger · how many at
 * most. Returns number and id of the newest, and announcements as id, number, text.
 */
export const CATCH_UP = `${LAST_ENTRY}
local newest, id = last(KEYS[1])
local from = '(' .. ARGV[1]
if not string.find(ARGV[1], '-') then
  from = string.format('%.0f', math.max(0, tonumber(redis.call('time')[1]) * 1000 - tonumber(ARGV[1])))
end
local found = redis.call('xrange', KEYS[1], from, '+', 'COUNT', ARGV[2])
local announcements = {}
for at, entry in ipairs(found) do announcements[at] = { entry[1], entry[2][2], entry[2][4] } end
return { newest, id, announcements }
`;

const MEMBERS = `
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local found = redis.pcall('hgetall', KEYS[1])
if found.err then redis.call('del', KEYS[1]) found = {} end
`;

/**
 * Notes that a process is there, and up to where it has read. Arguments: process · id of the last announcement that it has read ·
 * milliseconds for which processes are stored · channel · news for those that wait for readers, or nothing.
 */
export const PRESENT = `${MEMBERS}
redis.call('hset', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
redis.call('pexpire', KEYS[1], ARGV[3])
if ARGV[5] ~= '' then redis.call('publish', ARGV[4], ARGV[5]) end
return 1
`;

/** A process ends. Arguments: process. */
export const ABSENT = `${MEMBERS}
return redis.call('hdel', KEYS[1], ARGV[1])
`;

/**
 * The other processes. Arguments: process · milliseconds since their last sign of life at most. Returns for each the id of the last
 * announcement that it has read; those that have not been there for longer are forgotten.
 */
export const OTHERS = `${MEMBERS}
local others = {}
for at = 1, #found, 2 do
  local seen, read = string.match(found[at + 1], '^(%d+) (%S+)$')
  local age = seen and now - tonumber(seen)
  if not age or age < -60000 or age > tonumber(ARGV[2]) then
    redis.call('hdel', KEYS[1], found[at])
  elseif found[at] ~= ARGV[1] then
    others[#others + 1] = read
  end
end
return others
`;

/** Reads a text, or writes it. Arguments: the text, or nothing · milliseconds for which it is stored. */
export const NOTE = `${READ}
if ARGV[1] ~= '' then redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return read(KEYS[1]) or ''
`;
