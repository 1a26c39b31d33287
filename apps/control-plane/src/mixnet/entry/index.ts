export { arrivedByMixnet } from './arrivals.ts'
