import type { WasiContext } from './context.ts'
import { type Descriptor, holding, type OpenDirectory, type OpenFile } from './descriptors.ts'
import { ERRNO, refuse } from './errno.ts'
import { type DirectoryNode, type FileNode, sortedEntries, type TreeNode } from './file-tree.ts'
import { FDFLAG, FILETYPE, FSTFLAG, RIGHT, WHENCE } from './rights.ts'

const encoder = new TextEncoder()

/** The `fd_*` calls of WASI preview 1. Each returns on success and refuses with an error number. */
export function fileCalls(context: WasiContext) {
  const { memory, descriptors, tree } = context
  return {
    fd_advise(fd: number, _offset: bigint, _length: bigint, advice: number) {
      descriptors.file(fd)
      if (advice >>> 0 > 5) refuse(ERRNO.inval)
    },
    fd_allocate(fd: number, offset: bigint, length: bigint) {
      const { node } = descriptors.file(fd, RIGHT.fdWrite)
      if (length === 0n) refuse(ERRNO.inval)
      const end = fileOffset(BigInt.asUintN(64, offset) + BigInt.asUintN(64, length))
      if (end > node.content.size) tree.resize(node, end)
    },
    fd_close(fd: number) {
      descriptors.close(fd)
    },
    fd_datasync(fd: number) {
      descriptors.get(fd)
    },
    fd_sync(fd: number) {
      descriptors.get(fd)
    },
    fd_fdstat_get(fd: number, into: number) {
      const found = descriptors.get(fd)
      memory.bytes(into, 24).fill(0)
      memory.setU8(into, filetypeOf(found))
      memory.setU16(into + 2, found.flags)
      memory.setU64(into + 8, found.rights.base)
      memory.setU64(into + 16, found.rights.inheriting)
    },
    fd_fdstat_set_flags(fd: number, flags: number) {
      const found = descriptors.get(fd)
      if ((flags & ~ALL_FDFLAGS) !== 0) refuse(ERRNO.inval)
      found.flags = flags
    },
    fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint) {
      const { rights } = descriptors.get(fd)
      const [wanted, passedOn] = [BigInt.asUintN(64, base), BigInt.asUintN(64, inheriting)]
      if ((wanted & ~rights.base) !== 0n || (passedOn & ~rights.inheriting) !== 0n) refuse(ERRNO.notcapable)
      rights.base = wanted
      rights.inheriting = passedOn
    },
    fd_filestat_get(fd: number, into: number) {
      const found = descriptors.get(fd)
      if (found.kind !== 'stream') return writeFilestat(context, into, found.node)
      memory.bytes(into, FILESTAT_BYTES).fill(0)
      memory.setU8(into + 16, FILETYPE.characterDevice)
      memory.setU64(into + 24, 1n)
    },
    fd_filestat_set_size(fd: number, size: bigint) {
      tree.resize(descriptors.file(fd, RIGHT.fdWrite).node, fileOffset(BigInt.asUintN(64, size)))
    },
    fd_filestat_set_times(fd: number, accessed: bigint, modified: bigint, flags: number) {
      const found = descriptors.get(fd)
      if (found.kind === 'stream') return refuse(ERRNO.inval)
      setTimes(context, found.node, accessed, modified, flags)
    },
    fd_read(fd: number, vectors: number, count: number, into: number) {
      memory.check(into, 4)
      const found = holding(descriptors.get(fd), RIGHT.fdRead)
      if (found.kind === 'directory') return refuse(ERRNO.isdir)
      const read = found.kind === 'stream' ? readStdin(context, vectors, count) : readOn(context, found, vectors, count)
      memory.setU32(into, read)
    },
    fd_pread(fd: number, vectors: number, count: number, offset: bigint, into: number) {
      memory.check(into, 4)
      const { node } = descriptors.file(fd, RIGHT.fdRead)
      memory.setU32(into, readAt(context, node, readOffset(offset), vectors, count))
    },
    fd_write(fd: number, vectors: number, count: number, into: number) {
      memory.check(into, 4)
      const found = holding(descriptors.get(fd), RIGHT.fdWrite)
      if (found.kind === 'directory') return refuse(ERRNO.isdir)
      const written =
        found.kind === 'file'
          ? writeOn(context, found, vectors, count)
          : writeStream(context, found.name, vectors, count)
      memory.setU32(into, written)
    },
    fd_pwrite(fd: number, vectors: number, count: number, offset: bigint, into: number) {
      memory.check(into, 4)
      const { node } = descriptors.file(fd, RIGHT.fdWrite)
      memory.setU32(into, writeAt(context, node, fileOffset(BigInt.asUintN(64, offset)), vectors, count))
    },
    fd_seek(fd: number, delta: bigint, whence: number, into: number) {
      memory.check(into, 8)
      const found = descriptors.file(fd)
      found.offset = seekTarget(found, delta, whence)
      memory.setU64(into, BigInt(found.offset))
    },
    fd_tell(fd: number, into: number) {
      memory.setU64(into, BigInt(descriptors.file(fd).offset))
    },
    fd_prestat_get(fd: number, into: number) {
      const name = preopenName(descriptors.get(fd))
      memory.bytes(into, 8).fill(0)
      memory.setU32(into + 4, name.length)
    },
    fd_prestat_dir_name(fd: number, into: number, length: number) {
      const name = preopenName(descriptors.get(fd))
      if (length >>> 0 < name.length) refuse(ERRNO.nametoolong)
      memory.setBytes(into, name)
    },
    fd_readdir(fd: number, buffer: number, length: number, cookie: bigint, into: number) {
      memory.check(into, 4)
      memory.setU32(into, listDirectory(context, descriptors.directory(fd), buffer, length >>> 0, cookie))
    },
    fd_renumber(from: number, to: number) {
      descriptors.renumber(from, to)
    },
  }
}

const ALL_FDFLAGS = FDFLAG.append | FDFLAG.dsync | FDFLAG.nonblock | FDFLAG.rsync | FDFLAG.sync

const FILESTAT_BYTES = 64

/** Writes a `filestat` (witx): device, inode, type, links, size and three times. */
export function writeFilestat({ memory }: WasiContext, into: number, node: TreeNode): void {
  memory.bytes(into, FILESTAT_BYTES).fill(0)
  memory.setU64(into + 8, BigInt(node.inode))
  memory.setU8(into + 16, typeOf(node))
  memory.setU64(into + 24, BigInt(node.links))
  memory.setU64(into + 32, BigInt(sizeOf(node)))
  memory.setU64(into + 40, node.accessedNs)
  memory.setU64(into + 48, node.modifiedNs)
  memory.setU64(into + 56, node.changedNs)
}

function sizeOf(node: TreeNode): number {
  if (node.kind === 'file') return node.content.size
  return node.kind === 'link' ? encoder.encode(node.target).length : 0
}

export function setTimes(
  { clock }: WasiContext,
  node: TreeNode,
  accessed: bigint,
  modified: bigint,
  flags: number,
): void {
  const both = (one: number, other: number) => (flags & one) !== 0 && (flags & other) !== 0
  if (both(FSTFLAG.atim, FSTFLAG.atimNow) || both(FSTFLAG.mtim, FSTFLAG.mtimNow)) refuse(ERRNO.inval)
  if (node.isReadOnly) refuse(ERRNO.rofs)
  const now = clock.realtimeNs()
  if (flags & FSTFLAG.atim) node.accessedNs = BigInt.asUintN(64, accessed)
  if (flags & FSTFLAG.atimNow) node.accessedNs = now
  if (flags & FSTFLAG.mtim) node.modifiedNs = BigInt.asUintN(64, modified)
  if (flags & FSTFLAG.mtimNow) node.modifiedNs = now
  node.changedNs = now
}

const TYPES = { file: FILETYPE.regularFile, directory: FILETYPE.directory, link: FILETYPE.symbolicLink } as const

function typeOf(node: TreeNode): number {
  return TYPES[node.kind]
}

function filetypeOf(descriptor: Descriptor): number {
  return descriptor.kind === 'stream' ? FILETYPE.characterDevice : typeOf(descriptor.node)
}

function preopenName(descriptor: Descriptor): Uint8Array {
  if (descriptor.kind !== 'directory' || descriptor.preopenedAs === undefined) return refuse(ERRNO.badf)
  return encoder.encode(descriptor.preopenedAs)
}

/** A place to write at: past what a number holds exactly no file could be anyway. */
function fileOffset(offset: bigint): number {
  return offset > BigInt(Number.MAX_SAFE_INTEGER) ? refuse(ERRNO.fbig) : Number(offset)
}

/** A place to read at: far past the end reads nothing. */
function readOffset(offset: bigint): number {
  const at = BigInt.asUintN(64, offset)
  return at > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(at)
}

function seekTarget({ node, offset }: OpenFile, delta: bigint, whence: number): number {
  const bases: Readonly<Record<number, number>> = {
    [WHENCE.set]: 0,
    [WHENCE.current]: offset,
    [WHENCE.end]: node.content.size,
  }
  const base = bases[whence] ?? refuse(ERRNO.inval)
  const target = BigInt(base) + delta
  if (target < 0n || target > BigInt(Number.MAX_SAFE_INTEGER)) refuse(ERRNO.inval)
  return Number(target)
}

/** As Linux: of more buffers the first are served, and the caller comes again. */
const MOST_BUFFERS = 1024

/** The buffers of a scattered read or gathered write, in order. Lengths that add up past a u32 are EINVAL. */
function* buffersOf({ memory }: WasiContext, vectors: number, count: number): Generator<Uint8Array> {
  const pointer = vectors >>> 0
  const items = Math.min(count >>> 0, MOST_BUFFERS)
  memory.check(pointer, items * 8)
  let total = 0
  for (let i = 0; i < items; i++) {
    const length = memory.getU32(pointer + 8 * i + 4)
    total += length
    if (total > 0xffff_ffff) refuse(ERRNO.inval)
    if (length > 0) yield memory.bytes(memory.getU32(pointer + 8 * i), length)
  }
}

function readOn(context: WasiContext, file: OpenFile, vectors: number, count: number): number {
  const read = readAt(context, file.node, file.offset, vectors, count)
  file.offset += read
  return read
}

function readAt(context: WasiContext, node: FileNode, offset: number, vectors: number, count: number): number {
  let read = 0
  for (const buffer of buffersOf(context, vectors, count)) {
    const filled = node.content.read(offset + read, buffer)
    read += filled
    if (filled < buffer.length) break
  }
  context.charge(read)
  return read
}

function readStdin(context: WasiContext, vectors: number, count: number): number {
  const { stdin } = context
  let read = 0
  for (const buffer of buffersOf(context, vectors, count)) {
    const part = stdin.bytes.subarray(stdin.offset, stdin.offset + buffer.length)
    buffer.set(part)
    stdin.offset += part.length
    read += part.length
    if (part.length < buffer.length) break
  }
  context.charge(read)
  return read
}

function writeOn(context: WasiContext, file: OpenFile, vectors: number, count: number): number {
  const start = file.flags & FDFLAG.append ? file.node.content.size : file.offset
  const written = writeAt(context, file.node, start, vectors, count)
  file.offset = start + written
  return written
}

function writeAt(context: WasiContext, node: FileNode, offset: number, vectors: number, count: number): number {
  // All addresses are looked at before the first byte is written, so that a bad one changes nothing.
  const buffers = [...buffersOf(context, vectors, count)]
  let written = 0
  for (const buffer of buffers) {
    context.tree.write(node, offset + written, buffer)
    written += buffer.length
  }
  context.charge(written)
  return written
}

function writeStream(
  context: WasiContext,
  name: 'stdin' | 'stdout' | 'stderr',
  vectors: number,
  count: number,
): number {
  if (name === 'stdin') return refuse(ERRNO.badf)
  const buffers = [...buffersOf(context, vectors, count)]
  let written = 0
  for (const buffer of buffers) {
    context[name].write(buffer)
    written += buffer.length
  }
  context.charge(written)
  return written
}

const DIRENT_BYTES = 24

/** Fills the buffer with `dirent`s from a cookie on; the last one may be cut, which tells the caller to go on. */
function listDirectory(
  { memory, charge }: WasiContext,
  open: OpenDirectory,
  buffer: number,
  length: number,
  cookie: bigint,
): number {
  memory.check(buffer, length)
  if (cookie === 0n) {
    open.listing = listing(open.node)
    charge(open.listing.length * DIRENT_BYTES)
  }
  let used = 0
  for (let next = readOffset(cookie); next < open.listing.length && used < length; next++) {
    const entry = dirent(open.listing[next]!, next + 1)
    const part = entry.subarray(0, length - used)
    memory.setBytes((buffer >>> 0) + used, part)
    used += part.length
  }
  charge(used)
  return used
}

function listing(folder: DirectoryNode): readonly (readonly [string, TreeNode])[] {
  return [['.', folder], ['..', folder.parent ?? folder], ...sortedEntries(folder)]
}

function dirent([name, node]: readonly [string, TreeNode], next: number): Uint8Array {
  const nameBytes = encoder.encode(name)
  const bytes = new Uint8Array(DIRENT_BYTES + nameBytes.length)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(next), true)
  view.setBigUint64(8, BigInt(node.inode), true)
  view.setUint32(16, nameBytes.length, true)
  view.setUint8(20, typeOf(node))
  bytes.set(nameBytes, DIRENT_BYTES)
  return bytes
}
