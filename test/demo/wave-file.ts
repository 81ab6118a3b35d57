/** Sound that was made up, as the samples of a WAV file: 16 bits, two channels. */
export interface Sound {
  readonly samplesPerSecond: number;
  readonly durationSeconds: number;
  readonly toneHertz: number;
  /** Any whole number but 0: what the noise is made of. */
  readonly seed: number;
}

const HEADER_BYTES = 44;
const CHANNELS = 2;
const BYTES_PER_SAMPLE = 2;
const TONE_HEIGHT = 12_000;
const NOISE_HEIGHT = 600;

/** A whole WAV file: a tone that swells and fades, with some noise, so that it can't be compressed to nothing. */
export function makeWave(sound: Sound): Buffer {
  const frames = Math.round(sound.samplesPerSecond * sound.durationSeconds);
  const dataBytes = frames * CHANNELS * BYTES_PER_SAMPLE;
  const file = Buffer.alloc(HEADER_BYTES + dataBytes);
  writeHeader(file, sound.samplesPerSecond, dataBytes);
  const samples = new Int16Array(file.buffer, file.byteOffset + HEADER_BYTES, frames * CHANNELS);
  let chance = sound.seed | 0;
  for (let frame = 0; frame < frames; frame += 1) {
    const time = frame / sound.samplesPerSecond;
    const tone = Math.sin(2 * Math.PI * sound.toneHertz * time) * Math.sin((Math.PI * frame) / frames);
    for (let channel = 0; channel < CHANNELS; channel += 1) {
      chance ^= chance << 13;
      chance ^= chance >>> 17;
      chance ^= chance << 5;
      const noise = (chance >>> 0) / 2 ** 32 - 0.5;
      samples[frame * CHANNELS + channel] = Math.round(TONE_HEIGHT * tone + NOISE_HEIGHT * noise);
    }
  }
  return file;
}

function writeHeader(file: Buffer, samplesPerSecond: number, dataBytes: number): void {
  const frameBytes = CHANNELS * BYTES_PER_SAMPLE;
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(CHANNELS, 22);
  file.writeUInt32LE(samplesPerSecond, 24);
  file.writeUInt32LE(samplesPerSecond * frameBytes, 28);
  file.writeUInt16LE(frameBytes, 32);
  file.writeUInt16LE(BYTES_PER_SAMPLE * 8, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(dataBytes, 40);
}

/** The bytes of all samples of a WAV file, whatever other chunks it has. Throws `RangeError` if it has none. */
export function samplesOf(file: Buffer): Buffer {
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') {
    throw new RangeError('This is not a WAV file');
  }
  for (let at = 12; at + 8 <= file.length; ) {
    const bytes = file.readUInt32LE(at + 4);
    if (file.toString('latin1', at, at + 4) === 'data') return file.subarray(at + 8, at + 8 + bytes);
    // Chunks begin at even places.
    at += 8 + bytes + (bytes % 2);
  }
  throw new RangeError('This WAV file has no samples');
}
