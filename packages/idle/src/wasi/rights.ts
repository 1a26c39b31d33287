/** Rights, file types and flags of WASI preview 1 (witx). */
export const RIGHT = {
  fdDatasync: 1n << 0n,
  fdRead: 1n << 1n,
  fdSeek: 1n << 2n,
  fdTell: 1n << 5n,
  fdWrite: 1n << 6n,
  pollFdReadwrite: 1n << 27n,
  fdFilestatGet: 1n << 21n,
} as const

/** Bits 0 to 29; this host knows no others. */
export const ALL_RIGHTS = (1n << 30n) - 1n

/** What a stream may do: no seeking and no telling, by which the C library knows a terminal and writes line by line. */
export const STREAM_RIGHTS =
  RIGHT.fdRead | RIGHT.fdWrite | RIGHT.pollFdReadwrite | RIGHT.fdFilestatGet | RIGHT.fdDatasync

export const FILETYPE = { characterDevice: 2, directory: 3, regularFile: 4, symbolicLink: 7 } as const

export const OFLAG = { creat: 1, directory: 2, excl: 4, trunc: 8 } as const

export const FDFLAG = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const

export const LOOKUP_SYMLINK_FOLLOW = 1

export const FSTFLAG = { atim: 1, atimNow: 2, mtim: 4, mtimNow: 8 } as const

export const WHENCE = { set: 0, current: 1, end: 2 } as const
