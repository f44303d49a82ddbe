"""What the judge computes with: contrasts of runs, their variance, tests and corrections."""
