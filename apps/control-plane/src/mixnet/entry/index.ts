export { arrivedByMixnet, isMixAddress, mixAddressOf } from './arrivals.ts'
export { entryLoop, MixnetEntry, openEntry } from './entry.ts'
export { entryView } from './entry-view.ts'
