import type { Instant } from '@fog/kernel'
import { known, type Reading, unknown } from '../signals.ts'
import { type Machine, readText } from './machine.ts'

/** How long nobody has touched the machine: from X11, the login manager or macOS, whichever knows best. */
export async function readUserIdle(machine: Machine, now: Instant): Promise<Reading<number>> {
  if (machine.platform === 'darwin')
    return darwinIdle((await machine.ask('ioreg', '-c', 'IOHIDSystem', '-d', '4')) ?? '')
  if (machine.platform !== 'linux') return unknown(`not read on ${machine.platform}`)
  return (await x11Idle(machine)) ?? (await logindIdle(machine, now)) ?? unknown('neither X11 nor logind answers')
}

async function x11Idle(machine: Machine): Promise<Reading<number> | undefined> {
  if (!machine.env['DISPLAY']) return undefined
  const answer = await machine.ask('xprintidle')
  return answer && /^\d+\s*$/.test(answer) ? known(Number(answer), 'X11') : undefined
}

/** A session of `loginctl show-session`. */
interface Session {
  readonly isGraphical: boolean
  readonly isIdle: boolean
  /** When `isIdle` last changed; for a terminal, the last input. */
  readonly since: Instant
}

async function logindIdle(machine: Machine, now: Instant): Promise<Reading<number> | undefined> {
  const list = await machine.ask('loginctl', 'list-sessions', '--no-legend')
  if (list === undefined) return undefined
  const ids = list.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || [])
  if (ids.length === 0) return known(uptimeMs(machine), 'logind: nobody is logged in')
  const properties = ['Class', 'State', 'Type', 'IdleHint', 'IdleSinceHint'].flatMap((name) => ['-p', name])
  const shown = await machine.ask('loginctl', 'show-session', ...properties, ...ids)
  if (shown === undefined) return undefined
  const sessions = parseSessions(shown)
  if (sessions.length === 0) return known(uptimeMs(machine), 'logind: nobody is logged in')
  return known(Math.min(...sessions.map((session) => idleMs(session, now))), 'logind')
}

/** Sessions of people that are not about to end, from blocks of `Name=value` lines. */
export function parseSessions(shown: string): readonly Session[] {
  return shown.split(/\n\s*\n/).flatMap((block) => {
    const facts = new Map(Array.from(block.matchAll(/^(\w+)=(.*)$/gm), (match) => [match[1], match[2]]))
    if (facts.get('Class') !== 'user' || facts.get('State') === 'closing') return []
    const since = Number(facts.get('IdleSinceHint') ?? 0) / 1000
    return [{ isGraphical: facts.get('Type') !== 'tty', isIdle: facts.get('IdleHint') === 'yes', since }]
  })
}

/** A desktop only says that it went idle, minutes after the last input; until then somebody is there. */
function idleMs({ isGraphical, isIdle, since }: Session, now: Instant): number {
  if (isGraphical && !isIdle) return 0
  return since > 0 ? Math.max(0, now - since) : 0
}

function uptimeMs({ proc }: Machine): number {
  return Number((readText(proc, 'uptime') ?? '0').split(' ')[0]) * 1000
}

/** Nanoseconds since the last input, as `ioreg` prints them. */
export function darwinIdle(text: string): Reading<number> {
  const nanoseconds = /"HIDIdleTime" = (\d+)/.exec(text)?.[1]
  return nanoseconds ? known(Number(nanoseconds) / 1e6, 'IOHIDSystem') : unknown('IOHIDSystem does not say')
}
