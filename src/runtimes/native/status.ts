import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addonIfAny } from './addon';

/** The layout of struct status_file in native/addon/status.h. */
export const STATUS = { SLOTS: 1024, LABELS: 4096, LABEL_SIZE: 512, LABELS_START: 4096 } as const;
const { SLOTS, LABELS, LABEL_SIZE, LABELS_START } = STATUS;

/** Something that a thread is running. */
export interface Running {
  /** The `{file}` of its routes. */
  readonly plugin: string;
  /** A handler's symbol, PluginInit or PluginStop. */
  readonly symbol: string;
}

/**
 * Makes the file through which one process tells another what its handlers are doing, even after its death. It has no name any
 * more, and lasts as long as somebody holds it open: hand its descriptor to the process that is to write.
 * @returns its descriptor
 */
export function createStatusFile(): number {
  const directory = mkdtempSync(path.join(tmpdir(), 'dlserve-status-'));
  try {
    const descriptor = openSync(path.join(directory, 'page'), 'wx+', 0o600);
    try {
      fill(descriptor, LABELS_START + LABELS * LABEL_SIZE);
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Writes all of the file: a page for which the disk turns out later to have no room would end whoever writes to it. */
function fill(descriptor: number, size: number): void {
  const zeros = Buffer.alloc(64 * 1024);
  for (let at = 0; at < size; ) at += writeSync(descriptor, zeros, 0, Math.min(zeros.length, size - at), at);
}

/**
 * Publishes in such a file what this process is running. Call it before the runtimes are made.
 * @returns false where the addon is not there to do it
 */
export function attachStatus(descriptor: number): boolean {
  const addon = addonIfAny();
  if (addon === undefined) return false;
  addon.attachStatus(descriptor);
  return true;
}

/** What the process that writes to the file is running, or was running when it died: one entry for each busy thread. */
export function readStatus(descriptor: number): Running[] {
  const slots = new Uint32Array(SLOTS);
  readSync(descriptor, slots, 0, slots.byteLength, 0);
  return Array.from(slots.filter((label) => label >= 1 && label <= LABELS), (label) => readLabel(descriptor, label));
}

function readLabel(descriptor: number, label: number): Running {
  const bytes = Buffer.alloc(LABEL_SIZE);
  readSync(descriptor, bytes, 0, LABEL_SIZE, LABELS_START + (label - 1) * LABEL_SIZE);
  const [plugin = '', symbol = ''] = bytes.toString('utf8', 0, bytes.indexOf(0)).split('\n');
  return { plugin, symbol };
}
