/** Lua scripts of Redis: each is carried out as a whole. Keys: of revisions, `newest` and `revisions`; of records, `keys` and `values`. */

/** Adds a revision after the expected one, and deletes the oldest beyond so many: 1, or 0 if another one is the newest. */
export const WRITE = `
  local number = tonumber(redis.call('GET', KEYS[1]) or '0')
  if number ~= tonumber(ARGV[1]) then return 0 end
  redis.call('HSET', KEYS[2], number + 1, ARGV[2])
  redis.call('SET', KEYS[1], number + 1)
  redis.call('HDEL', KEYS[2], number + 1 - tonumber(ARGV[3]))
  return 1`;

/** The revision of a number, of the newest one if it is empty. */
export const READ = `
  local number = ARGV[1]
  if number == '' then number = redis.call('GET', KEYS[1]) end
  if not number then return false end
  return redis.call('HGET', KEYS[2], number)`;

/** Revisions before a number, newest first. */
export const LIST = `
  local number = tonumber(redis.call('GET', KEYS[1]) or '0')
  if ARGV[1] ~= '' then number = math.min(number, tonumber(ARGV[1]) - 1) end
  local found = {}
  while number > 0 and #found < tonumber(ARGV[2]) do
    local revision = redis.call('HGET', KEYS[2], number)
    if not revision then break end
    found[#found + 1] = revision
    number = number - 1
  end
  return found`;

export const PUT = `
  redis.call('ZADD', KEYS[1], 0, ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])`;

/** 1, or 0 if there is a record of the key. */
export const ADD = `
  if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2]) == 0 then return 0 end
  redis.call('ZADD', KEYS[1], 0, ARGV[1])
  return 1`;

export const DELETE = `
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])`;

/** Keys and values by turns. */
export const RANGE = `
  local found = {}
  for _, key in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2])) do
    found[#found + 1] = key
    found[#found + 1] = redis.call('HGET', KEYS[2], key)
  end
  return found`;

export const DELETE_BEFORE = `
  for _, key in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], '-', ARGV[1])) do
    redis.call('HDEL', KEYS[2], key)
  end
  redis.call('ZREMRANGEBYLEX', KEYS[1], '-', ARGV[1])`;
