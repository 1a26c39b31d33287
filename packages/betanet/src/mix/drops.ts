/** Why a node drops a packet. The order is that of the counters; the network learns none of it. */
export const DROP_REASONS = [
  /** Not a packet of the suite: wrong length, version or commands. */
  'malformed',
  /** Its header was not made for this node's key, or was changed. */
  'not_genuine',
  /** Made for a key of an epoch that is over or to come. */
  'wrong_epoch',
  /** Seen before. */
  'replayed',
  /** For a node that the directory does not list. */
  'no_route',
  /** All slots are in use. */
  'node_full',
  /** The next node does not keep up or cannot be reached, or its link broke with the packet unsent. */
  'link_full',
  /** For a client that is not here, or whose inbox is full. */
  'no_recipient',
] as const
export type DropReason = (typeof DROP_REASONS)[number]
