"""From a trained generator to nodules in real scans."""
