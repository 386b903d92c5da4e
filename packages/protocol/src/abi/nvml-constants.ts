// NVML's result codes that we return, with the text that nvmlErrorString gives for each.

export const nvmlReturns = {
  NVML_SUCCESS: { value: 0, text: 'Success' },
  NVML_ERROR_UNINITIALIZED: { value: 1, text: 'Uninitialized' },
  NVML_ERROR_INVALID_ARGUMENT: { value: 2, text: 'Invalid Argument' },
  NVML_ERROR_NOT_SUPPORTED: { value: 3, text: 'Not Supported' },
  NVML_ERROR_NOT_FOUND: { value: 6, text: 'Not Found' },
  NVML_ERROR_INSUFFICIENT_SIZE: { value: 7, text: 'Insufficient Size' },
  NVML_ERROR_DRIVER_NOT_LOADED: { value: 9, text: 'Driver Not Loaded' },
  NVML_ERROR_UNKNOWN: { value: 999, text: 'Unknown Error' },
} as const;
