// The messages that TensorFlow's distributed runtime is set up with, with its own field numbers: a ServerDef (server's cluster,
// job, task, config and protocol) and the ConfigProto of its sessions.
import { PbfWriter } from 'pbf'

const JOB = 'worker'

/** @returns a ServerDef: one of a cluster's servers */
export function encodeServer(addresses: readonly string[], index: number): Uint8Array {
  const writer = new PbfWriter()
  writer.writeMessage(1, writeCluster, addresses)
  writer.writeStringField(2, JOB)
  writer.writeVarintField(3, index)
  writer.writeMessage(4, writeConfig, index)
  writer.writeStringField(5, 'grpc')
  return writer.finish()
}

/** @returns a ConfigProto: of sessions that a server runs */
export function encodeConfig(index: number): Uint8Array {
  const writer = new PbfWriter()
  writeConfig(index, writer)
  return writer.finish()
}

function writeCluster(addresses: readonly string[], cluster: PbfWriter) {
  cluster.writeMessage(1, writeJob, addresses)
}

function writeJob(addresses: readonly string[], job: PbfWriter) {
  job.writeStringField(1, JOB)
  for (const entry of addresses.entries()) job.writeMessage(2, writeTask, entry)
}

function writeTask([index, address]: [number, string], task: PbfWriter) {
  task.writeVarintField(1, index)
  task.writeStringField(2, address)
}

/**
 * Each session sees the devices of its own server alone (device_filters) and has variables of its own (isolate_session_state). In
 * sums the first server leads (experimental.collective_group_leader).
 */
function writeConfig(index: number, config: PbfWriter) {
  config.writeStringField(4, `/job:${JOB}/task:${index}`)
  config.writeBooleanField(15, true)
  config.writeMessage(16, (leader, experimental) => experimental.writeStringField(1, leader), LEADER)
}

const LEADER = `/job:${JOB}/replica:0/task:0`
