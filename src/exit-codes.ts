/** How the command ends. Scripts and service managers read these: a code keeps its meaning. */
export const exitCodes = {
  done: 0,
  /** The server failed while running, could not drain in time, `check` found damage, or a backup was not made. */
  failed: 1,
  /** Unknown command or setting, or a value out of its limits; nothing was touched. */
  usage: 2,
  /** The start cannot work: port taken, folder locked or not a store, unsupported format. */
  cannotStart: 3
} as const
