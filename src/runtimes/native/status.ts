import { closeSync, readSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { createUnnamedFile } from '../../ground/unnamed-file';
import { addonIfAny, LIFE } from './addon';

/** The layout of struct status_file in native/addon/status.h. */
export const STATUS = {
  SLOTS: 1024,
  SLOT_SIZE: 8,
  OWN_SLOT: 1023,
  LABELS: 4096,
  LABEL_SIZE: 512,
  LABELS_START: 8192,
  OWN_LABEL: 4095,
} as const;
const { SLOTS, SLOT_SIZE, OWN_SLOT, LABELS, LABEL_SIZE, LABELS_START, OWN_LABEL } = STATUS;
/** Where the halves of a slot are, of which C makes one number. */
const [LABEL, TURN] = endianness() === 'LE' ? [0, 1] : [1, 0];

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
  const descriptor = createUnnamedFile('status');
  try {
    fillStatusFile(descriptor);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * Makes such a file of an empty one; to be done before anybody attaches it. All of it is written: a page for which the disk turns out
 * later to have no room would end whoever writes to it.
 */
export function fillStatusFile(descriptor: number): void {
  const size = LABELS_START + LABELS * LABEL_SIZE;
  const zeros = Buffer.alloc(64 * 1024);
  for (let at = 0; at < size; ) at += writeSync(descriptor, zeros, 0, Math.min(zeros.length, size - at), at);
}

/** The file in which this process publishes. */
let attached: number | undefined;
let ownTurn = 0;

/**
 * Publishes in such a file what this process is running. Call it before the runtimes are made.
 * @returns false where the addon is not there to do it: then what the event loop calls by {@link whileRunning} is all
 */
export function attachStatus(descriptor: number): boolean {
  const addon = addonIfAny();
  addon?.attachStatus(descriptor);
  attached = descriptor;
  return addon !== undefined;
}

/** Publishes that this process runs nothing: it ends by itself, and whatever its threads are at is not the cause. */
export function clearStatus(): void {
  if (attached !== undefined) writeSync(attached, Buffer.alloc(SLOTS * SLOT_SIZE), 0, SLOTS * SLOT_SIZE, 0);
}

/** Publishes that the event loop is in a function of a plugin's: for those that are called without the addon, rarely. */
export function whileRunning<T>(plugin: string, symbol: string, work: () => T): T {
  if (attached === undefined) return work();
  const label = Buffer.from(`${plugin}\n${symbol}\0`);
  writeSync(attached, label, 0, label.length, LABELS_START + OWN_LABEL * LABEL_SIZE);
  ownTurn++;
  writeOwnSlot(attached, OWN_LABEL + 1, ownTurn);
  try {
    return work();
  } finally {
    writeOwnSlot(attached, 0, 0);
  }
}

function writeOwnSlot(descriptor: number, label: number, turn: number): void {
  const slot = new Uint32Array(2);
  slot[LABEL] = label;
  slot[TURN] = turn;
  writeSync(descriptor, slot, 0, SLOT_SIZE, OWN_SLOT * SLOT_SIZE);
}

/** What the process that writes to the file is running, or was running when it died: one entry for each busy thread. */
export function readStatus(descriptor: number): Running[] {
  return readSlots(descriptor).map(({ label }) => readLabel(descriptor, label));
}

/** A call that the event loop of a process is in. */
export interface Turn extends Running {
  /** The same for as long as it is the same call. */
  readonly id: string;
  /** It is no handler, but a step of the plugin's life. */
  readonly isLife: boolean;
}

/** What the event loop of the process that writes to the file is in: nothing else of it goes on meanwhile. */
export function readTurns(descriptor: number): Turn[] {
  const ofLoop = readSlots(descriptor).filter(({ turn }) => turn !== 0);
  return ofLoop.map(({ place, label, turn }) => {
    const { plugin, symbol } = readLabel(descriptor, label);
    return { plugin, symbol, id: `${place}:${turn}`, isLife: (LIFE as readonly string[]).includes(symbol) };
  });
}

interface BusySlot {
  readonly place: number;
  readonly label: number;
  readonly turn: number;
}

function readSlots(descriptor: number): BusySlot[] {
  const halves = new Uint32Array(SLOTS * 2);
  readSync(descriptor, halves, 0, halves.byteLength, 0);
  const busy: BusySlot[] = [];
  for (let place = 0; place < SLOTS; place++) {
    const label = halves[place * 2 + LABEL]!;
    if (label >= 1 && label <= LABELS) busy.push({ place, label, turn: halves[place * 2 + TURN]! });
  }
  return busy;
}

function readLabel(descriptor: number, label: number): Running {
  const bytes = Buffer.alloc(LABEL_SIZE);
  readSync(descriptor, bytes, 0, LABEL_SIZE, LABELS_START + (label - 1) * LABEL_SIZE);
  const [plugin = '', symbol = ''] = bytes.toString('utf8', 0, bytes.indexOf(0)).split('\n');
  return { plugin, symbol };
}
