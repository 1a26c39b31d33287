import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Tier } from '@fog/scheduler'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { TierFigures } from '../flows/measure-tiers.ts'
import type { LoopMetrics } from '../loops/loop-metrics.ts'
import type { FeedMetrics } from '../realtime/feed.ts'
import type { GatewayMetrics } from '../realtime/worker-gateway.ts'

/** Seconds. From a cached read to a slow upload. */
const REQUEST_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
/** How often the timer that measures lateness fires. */
const LAG_RESOLUTION_MS = 20

/** Seconds. From placed at once to a queue of minutes. */
const WAIT_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300]

/** How tasks and their attempts end, by the event that tells of it. */
const OUTCOMES: Readonly<Record<string, string>> = {
  'task.done': 'done',
  'task.failed': 'failed',
  'task.requeued': 'requeued',
  'task.preempted': 'preempted',
  'task.cancelled': 'cancelled',
}

/**
 * Everything `/metrics` shows. Names begin with `fog_` and end in the unit. Each control plane has its own; what is counted
 * from events (placements, tasks, settlements) and what is read from the store (queue, nodes) is fog-wide wherever one looks.
 */
export class Metrics implements FeedMetrics, GatewayMetrics, LoopMetrics {
  readonly registry = new Registry()
  readonly httpRequestSeconds = this.#histogram('fog_http_request_seconds', 'Time to answer', REQUEST_BUCKETS, [
    'method',
    'route',
    'status',
  ])
  readonly httpRateLimited = this.#counter('fog_http_rate_limited_total', 'Requests that came too fast', ['route'])
  readonly authFailures = this.#counter('fog_auth_failures_total', 'Refused log-ins and tokens, by error code', [
    'code',
  ])
  /** Directions: `in`, `out`. */
  readonly blobBytes = this.#counter('fog_blob_bytes_total', 'Content uploaded and downloaded', ['direction'])
  readonly feedSubscribers = this.#gauge('fog_feed_subscribers', 'Readers of the event feed')
  readonly queueTasks = this.#gauge('fog_queue_tasks', 'Tasks that wait or run', ['tier', 'state'])
  readonly nodes = this.#gauge('fog_nodes', 'Nodes by state', ['state'])
  readonly #tierWaitSeconds = this.#gauge('fog_tier_wait_seconds', 'From queued to begun, in the window of the tiers', [
    'tier',
    'quantile',
  ])
  readonly #tierRestartSeconds = this.#gauge(
    'fog_tier_restart_seconds',
    'From interrupted to begun again, 95th percentile',
    ['tier'],
  )
  readonly #tierStarted = this.#gauge('fog_tier_started_tasks', 'Tasks that began in the window', ['tier'])
  readonly #tierRestarts = this.#gauge('fog_tier_restarted_attempts', 'Attempts that made up for another', ['tier'])
  readonly #tierPreempted = this.#gauge('fog_tier_preempted_attempts', 'Attempts that made room for a better tier', [
    'tier',
  ])
  readonly #tierBroken = this.#gauge('fog_tier_broken_promises', 'Promises that were not kept in the window', [
    'tier',
    'promise',
  ])
  readonly #tierHeadroomCores = this.#gauge('fog_tier_headroom_cores', 'Kept for Platinum now, in use or not')
  readonly #feedCut = this.#counter('fog_feed_cut_total', 'Readers of the event feed that were cut off', ['reason'])
  readonly #eventLag = this.#gauge('fog_event_lag_seconds', 'Age of the newest event when it was handed over')
  readonly #events = this.#counter('fog_events_total', 'What happened in the fog, by type of event', ['type'])
  readonly #placements = this.#counter('fog_placements_total', 'Tasks placed on a node')
  readonly #placeSeconds = this.#histogram('fog_place_seconds', 'Time of one placement round', REQUEST_BUCKETS)
  readonly #taskWaitSeconds = this.#histogram('fog_task_wait_seconds', 'From queued to placed', WAIT_BUCKETS, ['tier'])
  readonly #tasks = this.#counter('fog_tasks_total', 'Ends of tasks and their attempts, by outcome', ['outcome'])
  readonly #jobsSettled = this.#counter('fog_jobs_settled_total', 'Jobs whose hold was ended')
  readonly #loopFaults = this.#counter('fog_loop_faults_total', 'Steps of a loop that failed', ['loop'])
  readonly #leader = this.#gauge('fog_leader', 'Whether this control plane leads (1) or not (0)')
  readonly #workerChannels = this.#gauge('fog_worker_channels', 'Open channels of workers')
  readonly #workerMessagesRefused = this.#counter(
    'fog_worker_messages_refused_total',
    'Messages of workers that changed nothing: forged, replayed, malformed',
    ['reason'],
  )
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })

  constructor() {
    const lag = this.#lag
    this.#collected('fog_event_loop_lag_seconds', 'How late timers fire, 99th percentile since the last look', () => {
      // What is measured includes the timer's own period; before the first sample it is a tiny number.
      const lateMs = Math.max(0, lag.percentile(99) / 1e6 - LAG_RESOLUTION_MS)
      lag.reset()
      return lateMs / 1000
    })
    this.#collected('fog_process_resident_bytes', 'Memory of the process', () => process.memoryUsage.rss())
    this.#collected('fog_process_heap_bytes', 'Memory of its objects', () => process.memoryUsage().heapUsed)
    this.#collected(
      'fog_process_cpu_seconds',
      'CPU time it has used',
      () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
    )
    this.#collected('fog_process_uptime_seconds', 'Since it started', () => process.uptime())
  }

  start(): void {
    this.#lag.enable()
  }

  stop(): void {
    this.#lag.disable()
  }

  happened(events: readonly { readonly type: string }[], lagMs: number): void {
    this.#eventLag.set(lagMs / 1000)
    for (const { type } of events) {
      this.#events.inc({ type })
      if (type === 'task.placed') this.#placements.inc()
      if (type === 'job.settled') this.#jobsSettled.inc()
      const outcome = OUTCOMES[type]
      if (outcome !== undefined) this.#tasks.inc({ outcome })
    }
  }

  feedCut(reason: string): void {
    this.#feedCut.inc({ reason })
  }

  placed(tasks: readonly { readonly tier: Tier; readonly waitedMs: number }[], tookMs: number): void {
    this.#placeSeconds.observe(tookMs / 1000)
    for (const { tier, waitedMs } of tasks) this.#taskWaitSeconds.observe({ tier }, waitedMs / 1000)
  }

  loopFault(loop: string): void {
    this.#loopFaults.inc({ loop })
  }

  leads(isLeader: boolean): void {
    this.#leader.set(isLeader ? 1 : 0)
  }

  refusedWorkerMessage(reason: string): void {
    this.#workerMessagesRefused.inc({ reason })
  }

  workerChannels(open: number): void {
    this.#workerChannels.set(open)
  }

  /** What was not measured has no sample. */
  tiers({ measures, headroomCpuMilli }: Pick<TierFigures, 'measures' | 'headroomCpuMilli'>): void {
    this.#tierHeadroomCores.set(headroomCpuMilli / 1000)
    this.#tierWaitSeconds.reset()
    this.#tierRestartSeconds.reset()
    for (const { tier, broken, ...of } of measures) {
      const waits = { '0.5': of.waitP50Ms, '0.95': of.waitP95Ms, '0.99': of.waitP99Ms }
      for (const [quantile, ms] of Object.entries(waits)) {
        if (ms !== undefined) this.#tierWaitSeconds.set({ tier, quantile }, ms / 1000)
      }
      if (of.restartP95Ms !== undefined) this.#tierRestartSeconds.set({ tier }, of.restartP95Ms / 1000)
      this.#tierStarted.set({ tier }, of.started)
      this.#tierRestarts.set({ tier }, of.restarts)
      this.#tierPreempted.set({ tier }, of.preempted)
      this.#tierBroken.set({ tier, promise: 'queue_wait' }, broken.queueWait)
      this.#tierBroken.set({ tier, promise: 'restart' }, broken.restart)
      this.#tierBroken.set({ tier, promise: 'run_stretch' }, broken.runStretch)
    }
  }

  /** Asked at each look at `/metrics`; a fault leaves the value out. */
  refreshWith(refresh: () => Promise<void>): void {
    this.#refreshers.push(refresh)
  }

  /** In the Prometheus text format. */
  async text(): Promise<string> {
    await Promise.allSettled(this.#refreshers.map((refresh) => refresh()))
    return this.registry.metrics()
  }

  readonly #refreshers: (() => Promise<void>)[] = []

  #counter<Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] })
  }

  #gauge<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: [this.registry] })
  }

  #histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly Label[] = [],
  ): Histogram<Label> {
    return new Histogram({ name, help, buckets: [...buckets], labelNames: [...labelNames], registers: [this.registry] })
  }

  #collected(name: string, help: string, value: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => gauge.set(value()) })
  }
}
