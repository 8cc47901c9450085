//! What happens on the server in one step.

/// Adds items from a place on, unless they are there. Keys: items, meta. Arguments: the place of the
/// first, then an id and an item for each. Gives how many there are.
pub(super) const PUSH: &str = r"
local pushed = tonumber(redis.call('HGET', KEYS[2], 'pushed') or '0')
local place = tonumber(ARGV[1])
for i = 2, #ARGV, 2 do
    if place >= pushed then
        redis.call('XADD', KEYS[1], '*', 'id', ARGV[i], 'item', ARGV[i + 1])
        pushed = place + 1
    end
    place = place + 1
end
redis.call('HSET', KEYS[2], 'pushed', pushed)
return pushed
";

/// Keeps the first result of an item and takes the item off. Keys: items, results, done. Arguments:
/// the entry, the id, the result. Gives 1 for the first result.
pub(super) const COMMIT: &str = r"
local first = redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3])
if first == 1 then
    redis.call('XADD', KEYS[3], '*', 'result', ARGV[3])
end
redis.call('XACK', KEYS[1], 'workers', ARGV[1])
redis.call('XDEL', KEYS[1], ARGV[1])
return first
";

/// Gives a lock up, unless somebody else has it by now. Keys: lock. Arguments: the token.
pub(super) const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
";

/// Counts a request within limits, or gives the milliseconds to wait. Requests and tokens are
/// counted by the second, and a minute is taken as the sixty-one seconds that any minute can touch.
/// Keys: limits. Arguments: requests and tokens per minute (0 for no limit), tokens, 1 to count a
/// correction whatever the limits.
pub(super) const ADMIT: &str = r"
local now = redis.call('TIME')
local second = tonumber(now[1])
local millis = math.floor(tonumber(now[2]) / 1000)
local requests, tokens, oldest = 0, 0, second
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
    local at = tonumber(string.sub(all[i], 2))
    if at <= second - 61 then
        redis.call('HDEL', KEYS[1], all[i])
    else
        local count = tonumber(all[i + 1])
        if string.sub(all[i], 1, 1) == 'r' then
            requests = requests + count
            if count > 0 and at < oldest then oldest = at end
        else
            tokens = tokens + count
            if count > 0 and at < oldest then oldest = at end
        end
    end
end
local rpm, tpm, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if ARGV[4] == '1' then
    redis.call('HINCRBY', KEYS[1], 't' .. second, wanted)
    return 0
end
local full = rpm > 0 and requests + 1 > rpm
if tpm > 0 and tokens > 0 and tokens + wanted > tpm then full = true end
if full then
    return math.max(1, (oldest + 61 - second) * 1000 - millis)
end
redis.call('HINCRBY', KEYS[1], 'r' .. second, 1)
redis.call('HINCRBY', KEYS[1], 't' .. second, wanted)
redis.call('EXPIRE', KEYS[1], 120)
return 0
";
