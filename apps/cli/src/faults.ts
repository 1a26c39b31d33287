import { ApiError, Unreachable } from '@fog/contract'
import { isFogError } from '@fog/kernel'
import { Interrupted } from './exit-code.ts'

/** What a person, or a script with --json, is told of a fault. */
export interface ToldFault {
  readonly code: string
  readonly detail: string
  /** The facts a refusal came with. */
  readonly facts?: Readonly<Record<string, unknown>>
  /** Under which the control plane logged it. */
  readonly requestId?: string
}

export function tellFault(fault: unknown): ToldFault {
  if (fault instanceof ApiError) return tellProblem(fault)
  if (isFogError(fault)) return { code: fault.code, detail: fault.message.trim() }
  if (fault instanceof Unreachable) return { code: 'cli.unreachable', detail: fault.message }
  if (fault instanceof Interrupted) return { code: 'cli.interrupted', detail: fault.message }
  const said = fileFaultText(fault)
  if (said !== undefined) return { code: 'cli.file', detail: said }
  const detail = fault instanceof Error ? fault.message : String(fault)
  return {
    code: 'cli.unexpected',
    detail: `Something went wrong that should not: ${detail} (FOG_DEBUG=1 shows where).`,
  }
}

function tellProblem({ code, message, problem }: ApiError): ToldFault {
  const { facts, requestId } = problem
  return { code, detail: message, ...(facts && { facts }), ...(requestId !== undefined && { requestId }) }
}

const FILE_FAULTS: Readonly<Record<string, string>> = {
  EACCES: 'you may not use it. Check its rights, or name another place.',
  EPERM: 'you may not use it. Check its rights, or name another place.',
  ENOENT: 'there is no such file or folder.',
  EROFS: 'it lies on a file system that is read-only. Name another place.',
  ENOSPC: 'the disk is full. Make room there, or name another place.',
  EDQUOT: 'your share of the disk is used up. Make room there, or name another place.',
  ENOTDIR: 'a part of the path is no folder. Name another place.',
  EISDIR: 'it is a folder. Name a file.',
  EEXIST: 'something else is there already. Name another place.',
  ENAMETOOLONG: 'the name is too long for this file system.',
}

/** What the system said of a file, in words; undefined when it is about something else. */
function fileFaultText(fault: unknown): string | undefined {
  const { code = '', path } = (fault ?? {}) as { readonly code?: string; readonly path?: unknown }
  const says = FILE_FAULTS[code]
  return says === undefined || typeof path !== 'string' ? undefined : `${path} cannot be used: ${says}`
}
