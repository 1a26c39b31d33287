import type { Instant } from '@fog/kernel'
import { type Beyond, beyond, type Latch, LATCH_OFF, onBattery, turn } from './latch.ts'
import { type HarvestPolicy, isWithin, type Threshold } from './policy.ts'
import type { Reading, SignalName, Signals } from './signals.ts'
import { gravity, type Mode, settle, type Standing } from './standing.ts'

export type ReasonCode =
  | 'free'
  | 'lending_off'
  | 'user_active'
  | 'other_cpu'
  | 'unplugged'
  | 'battery_low'
  | 'too_warm'
  | 'memory_low'
  | 'network'
  | 'time_window'
  | 'full_screen'
  | 'battery_saver'
  | 'snoozed'
  | 'sensor_unknown'
  | 'suspended_long'
  | 'settling'

export interface Reason {
  readonly code: ReasonCode
  /** One sentence for people, as in "paused: 31 % other CPU for 12 s". */
  readonly text: string
}

export interface Decision {
  readonly mode: Mode
  /** Of all cores; 0 unless the mode is `run` or `throttle`. */
  readonly cpuShare: number
  /** Tasks that may run at once. */
  readonly maxTasks: number
  /** Said once each time: the task that came last must go, for memory. */
  readonly evictNewest: boolean
  /** Whether inputs may be fetched and results sent; otherwise both wait. */
  readonly usesNetwork: boolean
  /** Never empty, the gravest first. */
  readonly reasons: readonly Reason[]
  /** What nobody knows, and why. */
  readonly unknown: readonly { readonly signal: SignalName; readonly source: string }[]
  /** To be handed in the next time. */
  readonly state: PolicyState
}

/** What a decision remembers of those before it. Plain data. */
export interface PolicyState {
  readonly latches: Readonly<Partial<Record<LatchName, Latch>>>
  /** Steps taken off for warmth, 0 to 4. */
  readonly warmSteps: number
  readonly warmSince: Instant | undefined
  readonly coolSince: Instant | undefined
  readonly lastInputAt: Instant | undefined
  readonly evictedNewestAt: Instant | undefined
  readonly suspendedSince: Instant | undefined
  readonly standing: Standing | undefined
}

type LatchName = 'other_cpu' | 'unplugged' | 'battery_low' | 'memory_low'

/** Before the first decision, and again when the owner changes the policy or ends a snooze: nothing has to settle then. */
export const FRESH_POLICY_STATE: PolicyState = {
  latches: {},
  warmSteps: 0,
  warmSince: undefined,
  coolSince: undefined,
  lastInputAt: undefined,
  evictedNewestAt: undefined,
  suspendedSince: undefined,
  standing: undefined,
}

/** From all that the owner allows to nothing, a quarter at a time. */
const WARM_STEPS = 4

/**
 * Decides how far a device may be used now. Pure: the same signals, policy, state and moment give the same decision.
 *
 * Less is allowed at once, as soon as a trigger has held for its time; more only when every change since the last
 * time has had its minute. So however sensors flap, changes come to at most one a minute.
 */
export function decide(signals: Signals, policy: HarvestPolicy, state: PolicyState, now: Instant): Decision {
  const look = new Look(signals, policy, state, now)
  if (!policy.lends) look.demand('off', 0, 'lending_off', 'the owner does not lend')
  look.user()
  look.otherCpu()
  look.power()
  look.warmth()
  look.owner()
  look.unknownSensors()
  const memory = look.memory()
  const usesNetwork = look.network()
  const wanted = look.wanted(look.escalation())
  const { standing, settlesInMs } = settle(wanted, state.standing, now)
  if (settlesInMs > 0) look.note('settling', `${LEADS[standing.mode]}: settling for ${seconds(settlesInMs)} more`)
  return {
    mode: standing.mode,
    cpuShare: standing.cpuShare,
    maxTasks: tasksAllowed(standing, policy, memory.mayGrow ? Infinity : signals.tasks - (memory.evictNewest ? 1 : 0)),
    evictNewest: memory.evictNewest,
    usesNetwork,
    reasons: look.reasons(),
    unknown: look.unknown(),
    state: { ...look.state, standing, suspendedSince: suspendedSince(standing.mode, state, now) },
  }
}

interface Demand {
  readonly mode: Mode
  readonly cpuShare: number
  readonly reason: Reason
}

/** One look at the signals: gathers what each asks for, and what is to be remembered. */
class Look {
  state: PolicyState
  readonly #signals: Signals
  readonly #policy: HarvestPolicy
  readonly #now: Instant
  readonly #demands: Demand[] = []
  readonly #notes: Reason[] = []

  constructor(signals: Signals, policy: HarvestPolicy, state: PolicyState, now: Instant) {
    this.#signals = signals
    this.#policy = policy
    this.#now = now
    this.state = state
  }

  demand(mode: Mode, cpuShare: number, code: ReasonCode, because: string): void {
    const lead = mode === 'throttle' ? `slowed to ${percent(cpuShare)}` : LEADS[mode]
    this.#demands.push({ mode, cpuShare, reason: { code, text: `${lead}: ${because}` } })
  }

  note(code: ReasonCode, text: string): void {
    this.#notes.push({ code, text })
  }

  /** Input is remembered, so that a sensor which forgets it for a moment changes nothing. */
  user(): void {
    const { userInput } = this.#policy
    const idleMs = this.#signals.userIdleMs.value
    if (!userInput) return
    const seenAt = idleMs === null ? -Infinity : this.#now - idleMs
    const lastInputAt = Math.max(this.state.lastInputAt ?? -Infinity, seenAt)
    if (lastInputAt === -Infinity) return
    this.state = { ...this.state, lastInputAt }
    const quietMs = this.#now - lastInputAt
    if (quietMs >= userInput.resumeAfterMs) return
    const because = `you used this device ${this.#ago(lastInputAt)}`
    this.#demandLess(userInput.action, 'user_active', because)
  }

  otherCpu(): void {
    const row = this.#policy.otherCpu
    const share = this.#signals.otherCpu.value
    if (!row) return
    const latch = this.#latch('other_cpu', beyond(share, row, 'above'), row)
    if (!latch.isOn) return
    const because =
      latch.stopSince === undefined
        ? `other programs were busy until ${this.#ago(latch.resumeSince)}`
        : `${percent(share ?? 0)} other CPU for ${this.#since(latch.stopSince)}`
    const stillBusy = latch.stopSince !== undefined && this.#now - (latch.onSince ?? this.#now) >= row.stopAfterMs
    const wasSuspended = this.state.standing?.mode === 'suspend' || this.state.standing?.mode === 'evict'
    this.#demandLess(stillBusy || wasSuspended ? 'suspend' : 'throttle', 'other_cpu', because)
  }

  power(): void {
    const { unplugged, batteryLevel } = this.#policy
    const level = this.#signals.batteryLevel.value
    if (unplugged) {
      const latch = this.#latch('unplugged', onBattery(this.#signals.isPlugged.value, level, unplugged), unplugged)
      const because =
        latch.stopSince === undefined
          ? `on battery until ${this.#ago(latch.resumeSince)}`
          : `on battery for ${this.#since(latch.stopSince)}`
      if (latch.isOn) this.demand('suspend', 0, 'unplugged', because)
    }
    if (!batteryLevel) return
    const latch = this.#latch('battery_low', beyond(level, batteryLevel, 'below'), batteryLevel)
    const because = `battery at ${percent(level ?? 0)}, wanted ${percent(batteryLevel.resume)}`
    if (latch.isOn) this.demand('suspend', 0, 'battery_low', because)
  }

  warmth(): void {
    const row = this.#policy.temperature
    if (!row) return
    const { cpuCelsius, batteryCelsius, thermalPressure } = this.#signals
    const readings = [
      { celsius: cpuCelsius.value, limits: row.cpu, name: 'CPU' },
      { celsius: batteryCelsius.value, limits: row.battery, name: 'battery' },
    ]
    const pressure = thermalPressure.value
    const isOver = (key: 'stop' | 'critical') =>
      readings.find(({ celsius, limits }) => (celsius ?? -300) >= limits[key])
    const critical = isOver('critical')
    const warm = isOver('stop')
    const isWarm = warm !== undefined || pressure === 'serious' || pressure === 'critical'
    const isCool =
      readings.every(({ celsius, limits }) => (celsius ?? -300) < limits.resume) &&
      (pressure === null || pressure === 'nominal' || pressure === 'fair')
    this.#step(isWarm, isCool, row.stopAfterMs, row.resumeAfterMs)
    const hottest = critical ?? warm
    const because = hottest ? `${hottest.name} at ${Math.round(hottest.celsius ?? 0)} °C` : warmWords(pressure)
    if (critical || pressure === 'critical') return this.demand('evict', 0, 'too_warm', because)
    const { warmSteps } = this.state
    if (warmSteps === 0) return
    const share = this.#policy.cpuShare * (1 - warmSteps / WARM_STEPS)
    this.demand(share === 0 ? 'suspend' : 'throttle', share, 'too_warm', because)
  }

  owner(): void {
    const { windows, pausesInFullScreen, pausesInBatterySaver } = this.#policy
    const { localTime, isFullScreen, isBatterySaver, snoozedUntil } = this.#signals
    const moment = localTime.value
    if (windows && moment && !windows.some((window) => isWithin(moment, window))) {
      this.demand('suspend', 0, 'time_window', 'outside of the hours you lend')
    }
    if (pausesInFullScreen && isFullScreen.value) this.demand('suspend', 0, 'full_screen', 'a program fills the screen')
    if (pausesInBatterySaver && isBatterySaver.value) this.demand('suspend', 0, 'battery_saver', 'battery saver is on')
    if (snoozedUntil !== undefined && this.#now < snoozedUntil) {
      this.demand('suspend', 0, 'snoozed', `snoozed for ${seconds(snoozedUntil - this.#now)} more`)
    }
  }

  unknownSensors(): void {
    for (const name of this.#policy.stopsWhenUnknown) {
      const { value, source }: Reading<unknown> = this.#signals[name]
      if (value === null) this.demand('suspend', 0, 'sensor_unknown', `${SPOKEN[name]} is unknown (${source})`)
    }
  }

  memory(): { mayGrow: boolean; evictNewest: boolean } {
    const row = this.#policy.memory
    const { memoryFree, ownMemoryBytes, tasks } = this.#signals
    const isOverCap = (ownMemoryBytes.value ?? 0) > this.#policy.memoryCapBytes
    const where = isOverCap ? 'stop' : beyond(memoryFree.value, row, 'below')
    const latch = this.#latch('memory_low', where, row)
    if (!latch.isOn) return { mayGrow: true, evictNewest: false }
    const lastAt = this.state.evictedNewestAt ?? -Infinity
    const isDue = lastAt < (latch.onSince ?? this.#now) || this.#now - lastAt >= row.stopAfterMs
    const evictNewest = where === 'stop' && isDue && tasks > 0
    if (evictNewest) this.state = { ...this.state, evictedNewestAt: this.#now }
    const because = isOverCap
      ? 'tasks hold more memory than you allow'
      : `${percent(memoryFree.value ?? 0)} memory free`
    this.note('memory_low', `${evictNewest ? 'newest task leaves' : 'no more tasks'}: ${because}`)
    return { mayGrow: false, evictNewest }
  }

  network(): boolean {
    const use = this.#signals.network.value
    if (use === null || use === 'free') return true
    this.note('network', `inputs and results wait: ${NETWORK_WORDS[use]}`)
    return false
  }

  /** Whether what is suspended has been so for too long. */
  escalation(): boolean {
    const since = this.state.suspendedSince
    return since !== undefined && this.#now - since >= this.#policy.evictAfterMs
  }

  /** The gravest demand; what has been suspended for long and still is leaves. */
  wanted(hasWaitedLong: boolean): Pick<Standing, 'mode' | 'cpuShare'> {
    this.#demands.sort((a, b) => gravity(b) - gravity(a))
    const gravest = this.#demands[0]
    if (!gravest) return { mode: 'run', cpuShare: this.#policy.cpuShare }
    if (gravest.mode !== 'suspend' || !hasWaitedLong) return gravest
    const since = this.state.suspendedSince ?? this.#now
    this.note('suspended_long', `leaving: paused for ${seconds(this.#now - since)}`)
    return { mode: 'evict', cpuShare: 0 }
  }

  reasons(): readonly Reason[] {
    const all = [...this.#demands.map(({ reason }) => reason), ...this.#notes]
    if (all.length > 0) return all
    return [{ code: 'free', text: 'running: nothing else needs this device' }]
  }

  unknown(): Decision['unknown'] {
    return SIGNAL_NAMES.flatMap((signal) => {
      const { value, source }: Reading<unknown> = this.#signals[signal]
      return value === null ? [{ signal, source }] : []
    })
  }

  #since(at: Instant): string {
    return seconds(this.#now - at)
  }

  #ago(at: Instant | undefined): string {
    return `${this.#since(at ?? this.#now)} ago`
  }

  #demandLess(action: 'throttle' | 'suspend', code: ReasonCode, because: string): void {
    const share = action === 'throttle' ? this.#policy.cpuShare * this.#policy.throttledShare : 0
    this.demand(action, share, code, because)
  }

  #latch(name: LatchName, beyond: Beyond, row: Pick<Threshold, 'stopAfterMs' | 'resumeAfterMs'>): Latch {
    const latch = turn(this.state.latches[name] ?? LATCH_OFF, beyond, row, this.#now)
    this.state = { ...this.state, latches: { ...this.state.latches, [name]: latch } }
    return latch
  }

  #step(isWarm: boolean, isCool: boolean, stopAfterMs: number, resumeAfterMs: number): void {
    const now = this.#now
    let { warmSteps, warmSince, coolSince } = this.state
    warmSince = isWarm ? (warmSince ?? now) : undefined
    coolSince = isCool ? (coolSince ?? now) : undefined
    if (warmSince !== undefined && now - warmSince >= stopAfterMs && warmSteps < WARM_STEPS) {
      warmSteps++
      warmSince = now
    }
    if (coolSince !== undefined && now - coolSince >= resumeAfterMs && warmSteps > 0) {
      warmSteps--
      coolSince = now
    }
    this.state = { ...this.state, warmSteps, warmSince, coolSince }
  }
}

function suspendedSince(mode: Mode, { suspendedSince }: PolicyState, now: Instant): Instant | undefined {
  return mode === 'suspend' || mode === 'evict' ? (suspendedSince ?? now) : undefined
}

function tasksAllowed({ mode, cpuShare }: Standing, policy: HarvestPolicy, most: number): number {
  if (mode !== 'run' && mode !== 'throttle') return 0
  const full = policy.maxTasks
  const share = mode === 'throttle' ? Math.max(1, Math.floor((full * cpuShare) / policy.cpuShare)) : full
  return Math.max(0, Math.min(share, most))
}

const LEADS: Readonly<Record<Mode, string>> = {
  run: 'running',
  throttle: 'slowed down',
  suspend: 'paused',
  evict: 'leaving',
  off: 'off',
}

const NETWORK_WORDS = {
  metered: 'the network is metered',
  save_data: 'the network saves data',
  offline: 'offline',
} as const

const SPOKEN: Readonly<Record<SignalName, string>> = {
  userIdleMs: 'when it was last used',
  otherCpu: 'the load of other programs',
  isPlugged: 'whether it is plugged in',
  batteryLevel: 'the battery level',
  cpuCelsius: 'the CPU temperature',
  batteryCelsius: 'the battery temperature',
  thermalPressure: 'thermal pressure',
  memoryFree: 'free memory',
  ownMemoryBytes: 'the memory of tasks',
  network: 'the kind of network',
  isFullScreen: 'whether a program fills the screen',
  isBatterySaver: 'whether battery saver is on',
  localTime: 'the local time',
}

const SIGNAL_NAMES = Object.keys(SPOKEN) as SignalName[]

function warmWords(pressure: string | null): string {
  return pressure === 'serious' || pressure === 'critical' ? `thermal pressure is ${pressure}` : 'still cooling down'
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function seconds(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms / 1000))
  return whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min`
}
