/** Whether something holds on this device, and why not when it does not: nothing is claimed that was not tried. */
export type Finding = { readonly isUsed: true } | { readonly isUsed: false; readonly why: string }
