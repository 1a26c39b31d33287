import type { StreamStats } from '@fog/p2p'
import { Counter, Gauge, type Registry } from 'prom-client'

/** Figures of the entry: streams that came through the mixnet, and what they carried. */
export class EntryMetrics {
  readonly #streams = new Gauge<string>({
    name: 'fog_mixnet_entry_streams',
    help: 'Streams open through the mixnet',
    registers: [],
  })
  readonly #peers = new Gauge<string>({
    name: 'fog_mixnet_entry_peers',
    help: 'Peers with an open stream',
    registers: [],
  })
  readonly #buffered = new Gauge<string>({
    name: 'fog_mixnet_entry_buffered_bytes',
    help: 'Bytes that wait to be read here or to leave',
    registers: [],
  })
  readonly #gateways = new Gauge<string>({
    name: 'fog_mixnet_entry_gateways',
    help: 'Gateways with an open link',
    registers: [],
  })
  readonly #opened = new Counter<string>({
    name: 'fog_mixnet_entry_streams_total',
    help: 'Streams that peers opened, by outcome',
    labelNames: ['outcome'],
    registers: [],
  })
  readonly #bytes = new Counter<string>({
    name: 'fog_mixnet_entry_bytes_total',
    help: 'Bytes of frames, by direction',
    labelNames: ['direction'],
    registers: [],
  })
  #before: StreamStats | undefined

  register(registry: Registry): void {
    for (const metric of [this.#streams, this.#peers, this.#buffered, this.#gateways, this.#opened, this.#bytes])
      registry.registerMetric(metric)
  }

  /** What streams did by now, and how many gateways there are links to. */
  note(stats: StreamStats, gateways: number): void {
    const { taken, refused, receivedBytes, sentBytes } = this.#before ?? NONE
    this.#streams.set(stats.streams)
    this.#peers.set(stats.peers)
    this.#buffered.set(stats.bufferedBytes)
    this.#gateways.set(gateways)
    this.#opened.inc({ outcome: 'taken' }, stats.taken - taken)
    this.#opened.inc({ outcome: 'refused' }, stats.refused - refused)
    this.#bytes.inc({ direction: 'in' }, stats.receivedBytes - receivedBytes)
    this.#bytes.inc({ direction: 'out' }, stats.sentBytes - sentBytes)
    this.#before = stats
  }

  /** This control plane serves no more. */
  stopped(): void {
    this.#before = undefined
    for (const metric of [this.#streams, this.#peers, this.#buffered, this.#gateways]) metric.set(0)
  }
}

const NONE = { taken: 0, refused: 0, receivedBytes: 0, sentBytes: 0 }
