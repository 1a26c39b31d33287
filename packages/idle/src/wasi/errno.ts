/** Error numbers of WASI preview 1 (witx `errno`), those that this host gives. */
export const ERRNO = {
  success: 0,
  acces: 2,
  badf: 8,
  busy: 10,
  dquot: 19,
  exist: 20,
  fault: 21,
  fbig: 22,
  ilseq: 25,
  inval: 28,
  isdir: 31,
  loop: 32,
  mfile: 33,
  mlink: 34,
  nametoolong: 37,
  noent: 44,
  nospc: 51,
  notdir: 54,
  notempty: 55,
  notsock: 57,
  notsup: 58,
  overflow: 61,
  perm: 63,
  rofs: 69,
  spipe: 70,
  notcapable: 76,
} as const

export type Errno = (typeof ERRNO)[keyof typeof ERRNO]

/** Thrown inside the host and turned into the number a program gets. No Error: a stack trace would cost more than the call. */
export class Refusal {
  readonly errno: Errno

  constructor(errno: Errno) {
    this.errno = errno
  }
}

export function refuse(errno: Errno): never {
  throw new Refusal(errno)
}
