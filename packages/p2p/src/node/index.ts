export { StreamDuplex } from './stream-duplex.ts'
