import { Option } from 'commander';

export const forceOption = () => new Option('--force', 'replace the file if it is there already');
