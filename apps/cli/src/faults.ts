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
