/** Which faults of the database mean what. Codes are SQLSTATE (PostgreSQL, appendix A). */

const SERIALIZATION_FAILURE = '40001'
const DEADLOCK_DETECTED = '40P01'
const UNIQUE_VIOLATION = '23505'
/** Admin shutdown, crash shutdown, cannot connect now. */
const SERVER_GOES = ['57P01', '57P02', '57P03']
const SOCKET_FAULTS = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]

/** Two transactions were in each other's way; the one taken back may simply be run again. */
export function isConflict(fault: unknown): boolean {
  const code = codeOf(fault)
  return code === SERIALIZATION_FAILURE || code === DEADLOCK_DETECTED
}

/** The connection broke or could not be made. */
export function isConnectionLost(fault: unknown): boolean {
  const code = codeOf(fault)
  if (code !== undefined) return code.startsWith('08') || SERVER_GOES.includes(code) || SOCKET_FAULTS.includes(code)
  // The driver's own words, which carry no code.
  const text = fault instanceof Error ? fault.message : ''
  return /connection terminated|connection error|not queryable|timeout exceeded when trying to connect|timeout expired/i.test(
    text,
  )
}

export function isUniqueViolation(fault: unknown): boolean {
  return codeOf(fault) === UNIQUE_VIOLATION
}

function codeOf(fault: unknown): string | undefined {
  const code = (fault as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
