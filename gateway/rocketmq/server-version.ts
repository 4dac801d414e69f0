/**
 * What every frame of ours says of its sender. Clients act on the version: below 232 Java clients refuse SQL92 pulls
 * (MQVersion.V4_1_0_SNAPSHOT). This is V5_3_3.
 */
export const serverVersion = 479
export const serverVersionName = 'V5_3_3'
/** Go's client reads other names as unknown. */
export const serverLanguage = 'JAVA' as const
