import { type SnapshotContent, SnapshotMismatch } from '../driver/ports.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { findGoodEnd } from './read-snapshot-file.ts';
import { removeQuietly } from './segment-file.ts';
import { encodeSnapshotHeader, type SnapshotHeader } from './snapshot-format.ts';
import { onDisk, StorageError } from './storage-error.ts';
import { BlockWriter } from './write-snapshot-file.ts';

/**
 * Writes a whole snapshot file from what comes in, going on where an earlier attempt broke off, and syncs it. If the
 * data breaks off, what came stays for the next attempt; if the disk refuses it, or it is not what was announced
 * (`SnapshotMismatch`), the file is removed.
 */
export async function receiveSnapshotFile(
  fileSystem: FileSystem,
  path: string,
  header: SnapshotHeader,
  content: SnapshotContent,
): Promise<void> {
  const { file, writer } = await openPartial(fileSystem, path, header);
  try {
    await takeIn(writer, content);
    await writer.finish();
    assertAnnounced(writer, content);
    await onDisk('close', path, file.close());
  } catch (error) {
    if (error instanceof StorageError || error instanceof SnapshotMismatch) await removeQuietly(fileSystem, file, path);
    else await onDisk('close', path, file.close());
    throw error;
  }
}

async function openPartial(
  fileSystem: FileSystem,
  path: string,
  header: SnapshotHeader,
): Promise<{ file: OpenFile; writer: BlockWriter }> {
  const found = await fileSystem.open(path, 'update').catch(() => undefined);
  if (found !== undefined) {
    const { clusterId, meta } = header;
    const end = await findGoodEnd(
      found,
      path,
      (one) => one.clusterId === clusterId && one.meta.index === meta.index && one.meta.term === meta.term,
    );
    if (end !== undefined) {
      // Whatever a crash has left behind the last good block.
      await onDisk('cut', path, found.truncate(end.offset));
      return { file: found, writer: new BlockWriter(found, path, end) };
    }
    await removeQuietly(fileSystem, found, path);
  }
  const file = await onDisk('create', path, fileSystem.open(path, 'create'));
  const writer = new BlockWriter(file, path);
  try {
    await writer.write(encodeSnapshotHeader(header));
    return { file, writer };
  } catch (error) {
    await removeQuietly(fileSystem, file, path);
    throw error;
  }
}

async function takeIn(writer: BlockWriter, content: SnapshotContent): Promise<void> {
  let have = writer.content.sizeBytes;
  try {
    for await (const chunk of content.readFrom(have)) {
      have += chunk.length;
      if (have > content.sizeBytes) throw new SnapshotMismatch(`more than ${content.sizeBytes} bytes came`);
      await writer.add(chunk);
    }
  } finally {
    await writer.flush();
  }
}

function assertAnnounced(writer: BlockWriter, announced: SnapshotContent): void {
  const { sizeBytes, checksum } = writer.content;
  if (sizeBytes !== announced.sizeBytes) {
    throw new SnapshotMismatch(`${sizeBytes} bytes came of ${announced.sizeBytes}`);
  }
  if (checksum !== announced.checksum) throw new SnapshotMismatch('its checksum is another');
}
