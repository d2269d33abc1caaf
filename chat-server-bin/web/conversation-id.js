// The ids of conversations: `d:LOW:HIGH` for two users, `g:GROUP` for a group.

/** The conversation of two users, who may be one. */
export const directOf = (one, other) => `d:${Math.min(one, other)}:${Math.max(one, other)}`;

/** The conversation of a group. */
export const groupOf = (group) => `g:${group}`;

/** What an id stands for: the other user, or the group; null where it is no id of a conversation of `me`. */
export function recipientOf(id, me) {
  const direct = /^d:([1-9]\d*):([1-9]\d*)$/.exec(id);
  if (direct) {
    const [low, high] = [Number(direct[1]), Number(direct[2])];
    if (low > high || (low !== me && high !== me)) return null;
    return { user: low === me ? high : low };
  }
  const group = /^g:([1-9]\d*)$/.exec(id);
  return group && { group: Number(group[1]) };
}
