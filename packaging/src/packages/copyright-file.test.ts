import { expect, test } from 'vitest';
import { copyrightFile } from './copyright-file.ts';

const MIT = 'MIT License\n\nCopyright (c) 2020 A. Person\n\nPermission is hereby granted.\n';

test('a foreign part is named with its version, its authors and its licence word by word', () => {
  const part = { source: 'node_modules/@some/part/*', version: '1.2.3', license: 'MIT', text: MIT };
  expect(copyrightFile([part])).toContain(`
Files: node_modules/@some/part/*
Copyright: (c) 2020 A. Person
Comment: version 1.2.3
License: MIT-of-some-part
 MIT License
 .
 Copyright (c) 2020 A. Person
 .
 Permission is hereby granted.
`);
});

test('the same licence of two parts has two names, since the notices differ', () => {
  const parts = ['a', 'b'].map((name) => ({
    source: `node_modules/${name}/*`,
    version: '1.0.0',
    license: 'ISC',
    text: MIT,
  }));
  expect(copyrightFile(parts).match(/^License: ISC.*$/gm)).toEqual(['License: ISC-of-a', 'License: ISC-of-b']);
});

test('the Apache licence, which every Debian machine has, is named and not repeated', () => {
  const text = `${' '.repeat(30)}Apache License\n${' '.repeat(25)}Version 2.0, January 2004\n${'words\n'.repeat(50)}`;
  const file = copyrightFile([{ source: 'node_modules/x/*', version: '1.0.0', license: 'Apache-2.0', text }]);
  expect(file).not.toContain('words');
  expect(file).toContain('Files: node_modules/x/*\nCopyright: the authors of this part\n');
  expect(file).toContain('/usr/share/common-licenses/Apache-2.0');
});

test('no line of a licence can be taken for a field', () => {
  const text = 'Files: *\nLicense: none\n\n\tindented';
  const file = copyrightFile([{ source: 'node_modules/x/*', version: '1.0.0', license: 'MIT', text }]);
  expect(file).toContain('\n Files: *\n License: none\n .\n \tindented\n');
});
