import { join, resolve } from 'node:path'
import { MAX_DELAY_CLASSES, MAX_MEAN_STEPS, STEPS_PER_MS } from '@fog/betanet/delay'
import { DEFAULT_PARAMETERS } from '@fog/betanet/directory'
import { type Amount, FogError, parseTokens } from '@fog/kernel'
import type { MixnetSettings } from './mixnet/settings.ts'

/** Every setting, read once. `docs/settings.md` lists them; nothing else touches the environment. */
export interface Config {
  /** Where everything durable lies. */
  readonly dataDir: string
  /** Another PostgreSQL, 15 or newer; undefined starts the embedded one in the data folder. */
  readonly databaseUrl: string | undefined
  readonly httpHost: string
  /** 0 takes any free port. */
  readonly httpPort: number
  /** Address people use, when it is not the one listened on (behind a proxy, say). */
  readonly publicUrl: string | undefined
  /** Whether a proxy in front names the caller's address in X-Forwarded-For. */
  readonly trustProxy: boolean
  /** The console's built files; undefined serves none. */
  readonly consoleDir: string | undefined
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** What `/metrics` asks for as a bearer token; undefined answers only callers on this machine. */
  readonly metricsToken: string | undefined
  readonly limits: Limits
  readonly prices: Prices
  readonly timing: Timing
  readonly tiers: TierSettings
  readonly planning: PlanningSettings
  /** Of the mixnet's directory; undefined keeps none. */
  readonly mixnet: MixnetSettings | undefined
}

export interface Limits {
  readonly maxBlobBytes: number
  readonly maxProgramBytes: number
  readonly maxBodyBytes: number
  readonly requestsPerMinute: number
  readonly maxOpenJobsPerAccount: number
  readonly maxOpenTasksPerAccount: number
  /** In thousandths; undefined is as many as there are. */
  readonly maxCpuMilliPerAccount: number | undefined
  /** What an account's jobs of 24 hours may cost; undefined is without limit. */
  readonly maxCostPerDay: Amount | undefined
  readonly maxLogBytesPerTask: number
  /** Of one checkpoint; a task's disk limit may be less. */
  readonly maxStateBytes: number
  readonly maxFeedSubscribers: number
  readonly maxWorkers: number
}

export interface Prices {
  /** Units for 10^9 metered instructions at the silver tier. */
  readonly unitsPerGigafuel: Amount
  /** Of each payment, kept by the treasury. */
  readonly feeBasisPoints: bigint
  /** Minted for the first admin. */
  readonly firstGrant: Amount
  /**
   * Fuel a task may use for each second of wall time, unless it says: more than a fast core gets through in a tight loop, so
   * that the clock and not the meter ends most tasks that run away.
   */
  readonly fuelPerCoreSecond: number
}

export interface TierSettings {
  /** Of the cores that could serve Platinum, so many are kept for it: see `headroomOf`. */
  readonly headroomBasisPoints: number
  /** Tasks that lose their room to better tiers in a minute, at most. */
  readonly preemptionsPerMinute: number
  /** What keeps its state is asked to make room and has this long to do so. */
  readonly preemptGraceMs: number
  /** What is shown of tiers was measured over so long. */
  readonly windowMs: number
}

export interface PlanningSettings {
  /** What waits and what may move is planned anew so often; 0 never. */
  readonly everyMs: number
  /** How long one search may take, on a thread of its own. */
  readonly deadlineMs: number
}

export interface Timing {
  /** How long an attempt lives without being renewed. */
  readonly leaseMs: number
  readonly heartbeatMinMs: number
  readonly heartbeatMaxMs: number
  /** Heartbeats a second this process wants at most; more nodes beat slower. */
  readonly heartbeatsPerSecond: number
  /** A gateway not heard of for this long has lost its channels. */
  readonly gatewayLostMs: number
  /** Results gather this long before one transaction takes them in; those that come meanwhile share the next. */
  readonly groupCommitMs: number
  readonly loopIdleMs: number
  readonly stopGraceMs: number
  /** From one checkpoint of a task to the next, at least. */
  readonly checkpointMs: number
}

export class ConfigError extends FogError<{ code: 'config.invalid'; name: string; text: string; wants: string }> {
  static override readonly texts = {
    'config.invalid': { says: 'The setting {name} is "{text}".', fix: 'It wants {wants}.' },
  }
}

type Environment = Readonly<Record<string, string | undefined>>

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

/** Reads the settings. Throws `config.invalid` for the first one that cannot be understood. */
export function readConfig(env: Environment = process.env): Config {
  const whole = (name: string, fallback: number, min: number, max: number) => integer(env, name, fallback, min, max)
  return {
    dataDir: resolve(env['FOG_DATA_DIR'] || '.fog'),
    databaseUrl: env['DATABASE_URL'] || undefined,
    httpHost: env['FOG_HTTP_HOST'] || '127.0.0.1',
    httpPort: whole('FOG_HTTP_PORT', 7070, 0, 65_535),
    publicUrl: env['FOG_PUBLIC_URL'] || undefined,
    trustProxy: flag(env, 'FOG_TRUST_PROXY'),
    consoleDir: env['FOG_CONSOLE_DIR'] || undefined,
    logLevel: oneOf(env, 'FOG_LOG_LEVEL', LOG_LEVELS, 'info'),
    metricsToken: env['FOG_METRICS_TOKEN'] || undefined,
    limits: {
      maxBlobBytes: whole('FOG_MAX_BLOB_MIB', 1024, 1, 1_048_576) * 1_048_576,
      maxProgramBytes: whole('FOG_MAX_PROGRAM_MIB', 64, 1, 1024) * 1_048_576,
      maxBodyBytes: whole('FOG_MAX_BODY_MIB', 16, 1, 256) * 1_048_576,
      requestsPerMinute: whole('FOG_REQUESTS_PER_MINUTE', 1200, 1, 1_000_000),
      maxOpenJobsPerAccount: whole('FOG_MAX_OPEN_JOBS', 1000, 1, 1_000_000),
      maxOpenTasksPerAccount: whole('FOG_MAX_OPEN_TASKS', 1_000_000, 1, 100_000_000),
      maxCpuMilliPerAccount: whole('FOG_MAX_CORES', 0, 0, 1_000_000) * 1000 || undefined,
      maxCostPerDay: someTokens(tokens(env, 'FOG_MAX_TOKENS_PER_DAY', '0')),
      maxStateBytes: whole('FOG_MAX_STATE_MIB', 64, 0, 16_384) * 1_048_576,
      maxLogBytesPerTask: whole('FOG_MAX_LOG_KIB', 1024, 1, 1_048_576) * 1024,
      maxFeedSubscribers: whole('FOG_MAX_FEED_SUBSCRIBERS', 2000, 1, 100_000),
      maxWorkers: whole('FOG_MAX_WORKERS', 20_000, 1, 1_000_000),
    },
    prices: {
      unitsPerGigafuel: tokens(env, 'FOG_PRICE_PER_GIGAFUEL', '0.0002'),
      feeBasisPoints: BigInt(whole('FOG_FEE_BASIS_POINTS', 500, 0, 10_000)),
      firstGrant: tokens(env, 'FOG_FIRST_GRANT', '10000'),
      fuelPerCoreSecond: whole('FOG_FUEL_PER_CORE_SECOND', 20_000_000_000, 1_000_000, 100_000_000_000),
    },
    timing: {
      leaseMs: whole('FOG_LEASE_MS', 10_000, 1_000, 3_600_000),
      heartbeatMinMs: whole('FOG_HEARTBEAT_MIN_MS', 2_000, 100, 60_000),
      heartbeatMaxMs: whole('FOG_HEARTBEAT_MAX_MS', 60_000, 100, 600_000),
      heartbeatsPerSecond: whole('FOG_HEARTBEATS_PER_SECOND', 500, 1, 100_000),
      gatewayLostMs: whole('FOG_GATEWAY_LOST_MS', 10_000, 500, 600_000),
      groupCommitMs: whole('FOG_GROUP_COMMIT_MS', 2, 0, 1_000),
      loopIdleMs: whole('FOG_LOOP_IDLE_MS', 1_000, 10, 60_000),
      stopGraceMs: whole('FOG_STOP_GRACE_MS', 10_000, 0, 600_000),
      checkpointMs: whole('FOG_CHECKPOINT_SECONDS', 10, 0, 86_400) * 1000,
    },
    tiers: {
      headroomBasisPoints: whole('FOG_HEADROOM_BASIS_POINTS', 1_000, 0, 5_000),
      preemptionsPerMinute: whole('FOG_PREEMPTIONS_PER_MINUTE', 120, 0, 1_000_000),
      preemptGraceMs: whole('FOG_PREEMPT_GRACE_MS', 2_000, 0, 60_000),
      windowMs: whole('FOG_TIER_WINDOW_HOURS', 24, 1, 8_760) * 3_600_000,
    },
    planning: {
      everyMs: whole('FOG_REPLAN_SECONDS', 10, 0, 86_400) * 1000,
      deadlineMs: whole('FOG_REPLAN_DEADLINE_MS', 1_000, 10, 60_000),
    },
    mixnet: readMixnet(env, resolve(env['FOG_DATA_DIR'] || '.fog')),
  }
}

function readMixnet(env: Environment, dataDir: string): MixnetSettings | undefined {
  if (oneOf(env, 'FOG_MIXNET', ['on', 'off'], 'on') === 'off') return undefined
  const whole = (name: string, fallback: number, min: number, max: number) => integer(env, name, fallback, min, max)
  const { delayMeansSteps, clientSendMeanMs, clientLoopMeanMs, mixLoopMeanMs, nodesPerLayer, ...rest } =
    DEFAULT_PARAMETERS
  return {
    epochMs: whole('FOG_MIXNET_EPOCH_SECONDS', 1_200, 2, 86_400) * 1000,
    admission: oneOf(env, 'FOG_MIXNET_ADMIT', ['registered', 'anyone'], 'registered'),
    nodesPerAccount: whole('FOG_MIXNET_NODES_PER_ACCOUNT', 64, 1, 1_024),
    keysFile: resolve(env['FOG_MIXNET_KEYS_FILE'] || join(dataDir, 'mixnet', 'authority.json')),
    authoritiesFile: env['FOG_MIXNET_AUTHORITIES'] ? resolve(env['FOG_MIXNET_AUTHORITIES']) : undefined,
    keptMs: whole('FOG_MIXNET_KEEP_DAYS', 30, 1, 3_650) * 86_400_000,
    probesPerMinute: whole('FOG_MIXNET_PROBES_PER_MINUTE', 60, 0, 1_200),
    entry:
      oneOf(env, 'FOG_MIXNET_ENTRY', ['on', 'off'], 'on') === 'off'
        ? undefined
        : {
            keyFile: resolve(env['FOG_MIXNET_ENTRY_KEY_FILE'] || join(dataDir, 'mixnet', 'entry-key.json')),
            sendMeanMs: whole('FOG_MIXNET_ENTRY_SEND_MS', 20, 1, 86_400_000),
          },
    parameters: {
      ...rest,
      delayMeansSteps: delayMeans(env, delayMeansSteps),
      clientSendMeanMs: whole('FOG_MIXNET_CLIENT_SEND_MS', clientSendMeanMs, 0, 86_400_000),
      clientLoopMeanMs: whole('FOG_MIXNET_CLIENT_LOOP_MS', clientLoopMeanMs, 0, 86_400_000),
      mixLoopMeanMs: whole('FOG_MIXNET_MIX_LOOP_MS', mixLoopMeanMs, 0, 86_400_000),
      nodesPerLayer: whole('FOG_MIXNET_NODES_PER_LAYER', nodesPerLayer, 1, 256),
      distinctOperators: oneOf(env, 'FOG_MIXNET_DISTINCT_OPERATORS', ['preferred', 'required'], 'preferred'),
    },
  }
}

/** Mean delays in milliseconds, in steps of 0.1 ms. */
function delayMeans(env: Environment, fallback: readonly number[]): readonly number[] {
  const text = env['FOG_MIXNET_DELAYS_MS']
  if (text === undefined || text === '') return fallback
  const steps = text.split(',').map((each) => (each.trim() === '' ? Number.NaN : Number(each) * STEPS_PER_MS))
  const isGood =
    steps.length <= MAX_DELAY_CLASSES && steps.every((s) => Number.isInteger(s) && s >= 0 && s <= MAX_MEAN_STEPS)
  if (isGood) return steps
  const wants = `at most ${MAX_DELAY_CLASSES} times of up to 13 seconds in tenths of milliseconds, such as 5,50,500`
  throw new ConfigError({ code: 'config.invalid', name: 'FOG_MIXNET_DELAYS_MS', text, wants })
}

function integer(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = env[name]
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ConfigError({ code: 'config.invalid', name, text, wants: `a whole number from ${min} to ${max}` })
  }
  return value
}

function flag(env: Environment, name: string): boolean {
  const text = env[name] || 'false'
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw new ConfigError({ code: 'config.invalid', name, text, wants: 'true or false' })
}

function oneOf<const Choice extends string>(
  env: Environment,
  name: string,
  choices: readonly Choice[],
  fallback: Choice,
): Choice {
  const text = env[name] || fallback
  const found = choices.find((choice) => choice === text)
  if (!found) throw new ConfigError({ code: 'config.invalid', name, text, wants: `one of ${choices.join(', ')}` })
  return found
}

/** Nought stands for no limit. */
function someTokens(limit: Amount): Amount | undefined {
  return limit > 0n ? limit : undefined
}

function tokens(env: Environment, name: string, fallback: string): Amount {
  const text = env[name] || fallback
  try {
    return parseTokens(text)
  } catch {
    throw new ConfigError({ code: 'config.invalid', name, text, wants: 'tokens, such as 50 or 0.25' })
  }
}
